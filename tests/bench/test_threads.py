import pytest
import torch
from torch import nn

from avplug.bench import threads
from avplug.bench.threads import operation_threads


@pytest.fixture
def four():
    before = torch.get_num_threads()
    torch.set_num_threads(4)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize(
    ("count", "limit", "expected"), [(0, 1000, 1), (0, 10, 4), (3, 1000, 3)]
)
def test_small_models_get_one_thread_unless_told_otherwise(
    four, monkeypatch, count, limit, expected
):
    monkeypatch.setattr(threads, "SMALL", limit)
    with operation_threads(count, nn.Linear(10, 10)):
        assert torch.get_num_threads() == expected
    assert torch.get_num_threads() == 4


def test_the_number_comes_back_after_an_error(four):
    with pytest.raises(ValueError), operation_threads(2, nn.Linear(2, 2)):
        int("no number")
    assert torch.get_num_threads() == 4
