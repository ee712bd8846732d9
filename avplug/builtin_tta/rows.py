"""Rows of a batch, picked without asking the device again."""

from __future__ import annotations

from collections.abc import Iterable

import torch


def rows_where(flags: Iterable[bool], device: torch.device) -> torch.Tensor:
    """Return the places of true flags, int64 [n].

    A mask on an accelerator would make the host wait at each use, to learn how many
    rows it picks; flags that were fetched with the step's other answers do not.
    """
    places = [place for place, flag in enumerate(flags) if flag]
    return torch.tensor(places, dtype=torch.int64).to(device, non_blocking=True)
