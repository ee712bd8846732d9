"""The network that tests of checkpoints and weights save and load."""

import pytest
import torch

from tests.core.nets import Net


@pytest.fixture
def net() -> Net:
    torch.manual_seed(0)
    return Net(("dog", "car"))
