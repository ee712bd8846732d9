"""Published names of tensors to those of this package, by tables."""

from __future__ import annotations

import re
from collections.abc import Sequence

import torch

#: Rows of pattern and replacement, as :func:`re.sub` takes them.
Table = Sequence[tuple[str, str]]


def renamed(tensors: dict[str, torch.Tensor], table: Table) -> dict[str, torch.Tensor]:
    """Return the tensors under the names that a table gives them.

    Each row is applied to what the rows before it made of a name, so that a table may
    treat the beginning of a name first and then its end. Names that fit no row stay.
    """
    rows = [(re.compile(pattern), replacement) for pattern, replacement in table]
    result = {}
    for name, tensor in tensors.items():
        for pattern, replacement in rows:
            name = pattern.sub(replacement, name)
        result[name] = tensor
    return result
