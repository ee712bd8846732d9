"""Events reach every plugin that listens, in order, whatever the others do."""

import logging

from avplug.core.events import CellFinished
from tests.core.plugins import HEAD

EVENT = CellFinished("out", "cell", {}, {"top1": 50.0}, 1.0)


def test_events_reach_each_plugin_and_failures_are_logged(dists, caplog):
    listener = HEAD + "seen = []\n@hookimpl\ndef avplug_cell_finished(event):\n"
    dists.add("avplug-ape", listener + "    1 / 0\n")
    dists.add("avplug-bee", listener + "    seen.append(event)\n")
    dists.add("avplug-cat", listener.replace("(event)", "()") + "    seen.append(1)\n")
    manager = dists.manager()
    with caplog.at_level(logging.ERROR, "avplug"):
        manager.notify("avplug_cell_finished", EVENT)
    import avplug_bee
    import avplug_cat

    assert avplug_bee.seen == [EVENT]
    assert avplug_cat.seen == [1]
    (logged,) = caplog.records
    assert logged.message == "plugin avplug-ape:ape failed in avplug_cell_finished"
    assert logged.exc_info[0] is ZeroDivisionError


def test_events_keep_the_order_of_the_plugins(dists):
    listener = HEAD + "import builtins\n@hookimpl{}\ndef avplug_cell_finished(event):\n"
    source = listener + "    event.cell['order'].append(__name__)\n"
    dists.add("avplug-ape", source.format("(trylast=True)"))
    dists.add("avplug-bee", source.format("(tryfirst=True)"))
    order = []
    event = CellFinished("out", "cell", {"order": order}, {}, 0.0)
    dists.manager().notify("avplug_cell_finished", event)
    assert order == ["avplug_ape", "avplug_bee"]
