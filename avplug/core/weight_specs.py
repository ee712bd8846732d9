"""Descriptors of weights: where their files lie, and what they are of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from avplug.core.stated import check_fields


@dataclass(frozen=True)
class FileSpec:
    """A file that somebody published or bundled.

    Args:
        source: Path, ``"package:path/inside"``, ``https://...`` or
            ``hf:OWNER/REPO/FILE``; "" where no direct address is known.
        sha256: Of the file, hexadecimal, or its first digits; "" where not known.
        size: In bytes; 0 where not known.
        page: Where a person finds it; shown when there is no source, or it fails.
    """

    source: str
    sha256: str = ""
    size: int = 0
    page: str = ""

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True)
class WeightSpec:
    """Published or bundled weights of a model.

    Args:
        name: Short name, such as ``"events"``; unique for the model.
        dataset: Name of the data set whose classes they predict; ``"*"`` where classes
            are given as text, "" for weights that must be fine-tuned first.
        source: As in :class:`FileSpec`; "" with ``parts``.
        variant: The size that they belong to.
        claim: The accuracy as its source states it.
        sha256: Of the file, where known.
        size: Of the file in bytes, where known.
        page: Where they are published.
        parts: Files of a checkpoint that consists of several, by part; the tensors of
            each are named ``part.name`` before ``Model.adapt_state`` sees them.
        classes: How many; 0 where they are given as text, or none.
        outputs: ``"softmax"`` or ``"sigmoid"``, which the logits were trained for; ""
            where the model decides.
        options: Constructor's options that these weights need.
        license: SPDX identifier of the licence that the publisher states; "" if none.
        notes: What a user must know, such as what they cannot do.
    """

    name: str
    dataset: str
    source: str = ""
    variant: str = ""
    claim: str = ""
    sha256: str = ""
    size: int = 0
    page: str = ""
    parts: Mapping[str, FileSpec] = field(default_factory=dict)
    classes: int = 0
    outputs: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    license: str = ""
    notes: str = ""

    def __post_init__(self) -> None:
        check_fields(self)

    @property
    def files(self) -> Mapping[str, FileSpec]:
        """The files by part; a single one is part ""."""
        whole = FileSpec(self.source, self.sha256, self.size, self.page)
        return self.parts or {"": whole}

    @property
    def non_commercial(self) -> bool:
        """Whether the licence must be accepted before a download."""
        return "-NC" in self.license
