"""The configuration of a run: ranges, and plain data that reads back."""

import json

import pytest

from avplug.bench.config import RunConfig, from_data
from avplug.core.errors import UsageError


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"severities": (6,)}, "Severity 6 is out of range"),
        ({"severities": (0,)}, "Severity 0 is out of range"),
        ({"batch_size": 0}, "batch_size is 0"),
        ({"workers": -1}, "workers is -1"),
        ({"limit": 0}, "limit is 0"),
        ({"tta": ()}, "tta is empty"),
        ({"weights": ("a", "b")}, "2 weights for 1 models"),
    ],
)
def test_values_out_of_range_are_refused(changes, said):
    with pytest.raises(UsageError, match=said):
        RunConfig(**changes)


def test_the_plain_form_reads_back():
    config = RunConfig(seeds=(1, 2), options={"tent": {"lr": 0.1}})
    data = json.loads(json.dumps(config.as_dict()))
    assert from_data(data, "run.json") == config
