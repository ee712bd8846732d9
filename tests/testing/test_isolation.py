"""What a plugin does to the process that checks it costs that check only."""

from queue import Empty, Queue

import pytest

from avplug._version import __version__
from avplug.core.discovery import Metadata
from avplug.scaffold.naming import Names
from avplug.scaffold.writing import one_file
from avplug.testing import conformance, isolation
from avplug.testing.requirement import accepts, next_minor, pin_on_avplug
from avplug.testing.static import of_metadata


@pytest.mark.parametrize(
    ("deed", "says"),
    [("time.sleep(99)", "took more than 10 s"), ("os._exit(3)", "exit code 3")],
)
def test_a_check_that_never_comes_back(tmp_path, deed, says):
    ((name, text),) = one_file("metric", Names("sound")).items()
    guard = "        if np.isnan(predictions.logits).any():\n            "
    guard += f"{deed}\n"
    text = text.replace(
        "import numpy as np", "import os\nimport time\nimport numpy as np"
    )
    text = text.replace("        targets = pre", f"{guard}        targets = pre")
    (tmp_path / name).write_text(text)
    plugin = conformance.find(str(tmp_path / name))
    outcomes = list(conformance.check(plugin, limit=10, select="metric:sound"))
    failed = [(o.check, o.message) for o in outcomes if o.state == "fail"]
    assert [check for check, _ in failed] == ["metric/not-a-number"]
    assert says in failed[0][1]
    assert {"metric/quiet", "static/target"} <= {o.check for o in outcomes}


def test_a_pause_of_the_whole_machine_fails_no_check():
    class Paused(Queue):
        waits = 0

        def get(self, timeout):
            self.waits += 1
            if self.waits == 1:
                # The clock has gone on, and nobody else.
                raise Empty
            return super().get(timeout=timeout)

    lines = Paused()
    lines.put("answer")
    assert isolation._next(lines, 10) == "answer"
    lines.waits = 1
    with pytest.raises(isolation.WorkerHungError, match=r"within 0\.1 s"):
        isolation._next(lines, 0.1)


@pytest.mark.parametrize(
    ("clauses", "version", "expected"),
    [
        (">=0.1,<2", "0.1.0", True),
        (">=0.1,<2", "2.0.0", False),
        ("==0.1.0", "0.2.0", False),
        ("==0.1.*", "0.1.7", True),
        ("~=0.1", "0.9.0", True),
        ("~=0.1.0", "0.2.0", False),
        ("!=0.2.0", "0.2.0", False),
        ("", "9.9", True),
    ],
)
def test_pins(clauses, version, expected):
    assert accepts(clauses, version) is expected


def test_the_requirement_on_avplug_is_found():
    assert pin_on_avplug(
        ["numpy>=1", "avplug[video]>=0.1,<2 ; python_version>'3'"]
    ) == (">=0.1,<2")
    assert pin_on_avplug(["avplug-codec>=1", "avplug>=1 ; extra == 'x'"]) is None
    assert next_minor("0.1.0") == "0.2.0"


@pytest.mark.parametrize(
    ("requires", "state", "says"),
    [
        (("avplug>=0.1,<2",), "pass", "avplug>=0.1,<2"),
        ((), "fail", "it does not depend on avplug"),
        ((f"avplug=={__version__}",), "fail", "excludes avplug 0.2.0"),
        (("avplug>=99",), "fail", f"excludes this avplug, {__version__}"),
    ],
)
def test_a_pin_is_neither_missing_nor_tight(requires, state, says):
    about = Metadata("avplug-fog", "1.0", "Fog", "MIT", requires)
    outcomes = {o.check: o for o in of_metadata(about)}
    assert outcomes["static/metadata"].state == "pass"
    assert outcomes["static/pin"].state == state
    assert says in outcomes["static/pin"].message
