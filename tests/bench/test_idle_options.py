"""What is said of options that nothing would read."""

import pytest

from avplug.bench.idle_options import refuse_idle
from avplug.core.errors import UsageError
from avplug.core.registry import get_registry

USED = ("source", "dataset", "model", "cav-mae")


def refusal(name, used=USED, what="run"):
    with pytest.raises(UsageError) as caught:
        refuse_idle(["source", name], used, what, get_registry())
    return caught.value


def test_only_what_is_used_passes():
    def refused(name):
        try:
            refuse_idle([name], USED, "run", get_registry())
        except UsageError:
            return True
        return False

    assert [name for name in (*USED, "tent") if refused(name)] == ["tent"]


@pytest.mark.parametrize("name", ["gaussian", "avplug/gaussian"])
def test_a_corruption_takes_none(name):
    error = refusal(name)
    assert error.message.startswith(
        f"Options are given for the corruption '{name}', and a corruption takes none:"
    )
    assert "--severity and --profile" in error.hint
    assert "avplug new corruption NAME" in error.hint


def test_a_metric_takes_none():
    error = refusal("top1")
    assert "for the metric 'top1', and a metric takes none:" in error.message
    assert error.hint == "A variant is a metric of its own: avplug new metric NAME"


def test_those_of_the_data_set_are_given_under_its_kind():
    error = refusal("events")
    assert error.message == "Options are given for the dataset by its name, 'events'."
    assert error.hint == "Write them as -o dataset.key=value."


def test_a_method_that_is_not_part_of_it():
    error = refusal("tent", what="training")
    assert error.message == (
        "Options are given for 'tent', which this training does not use."
    )
    assert error.hint == "Used here: cav-mae, dataset, model, source."


def test_a_mistyped_name_gets_the_closest():
    assert refusal("cav-ame").message.endswith("Did you mean 'cav-mae'?")
