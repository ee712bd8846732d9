"""How many threads an operation of torch may use."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

#: Below so many parameters, waking other threads costs more than they bring.
SMALL = 5_000_000


@contextmanager
def operation_threads(count: int, model: nn.Module) -> Iterator[None]:
    """Let operations use ``count`` threads inside the block.

    Args:
        count: 0 chooses: one for a small model, torch's own number for others.
        model: What will run.
    """
    before = torch.get_num_threads()
    size = sum(parameter.numel() for parameter in model.parameters())
    torch.set_num_threads(count or (1 if size < SMALL else before))
    try:
        yield
    finally:
        torch.set_num_threads(before)
