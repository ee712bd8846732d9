"""The contract of a data set."""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from avplug.core.clip import Clip, ClipRef, InputSpec

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True, eq=False)
class Premade:
    """Clips of a data set that somebody corrupted before, as they lie on disk.

    Args:
        name: Of the corruption.
        severity: 1 to 5.
        senses: That are corrupted: ``"av"``, ``"a"`` or ``"v"``.
        open: Returns the clips. They have the ids of the clean ones, and are loaded by
            the clean ones' references.
        fingerprint: Of the corruption's clips at all severities.
        made: What is known of how they were made.
    """

    name: str
    severity: int
    senses: str
    open: Callable[[], Dataset]
    fingerprint: str
    made: Mapping[str, Any] = field(default_factory=dict)


class Dataset(ABC):
    """An ordered list of labelled clips, decoded one at a time.

    Args of every data set's constructor, all keyword-only:
        split: Which part; ``"test"`` by default.
        root: Folder or file that holds it; None where nothing is read from disk.

    Attributes:
        labels: Names of the classes, in the order of the model's outputs.
        multi_label: Whether a clip may have several labels.
        clips: The references, in a stable order.
        tasks: Groups of classes that are answered one by one, with the number of
            classes of each, such as ``{"verb": 97, "noun": 300}``. ``labels`` and the
            model's outputs hold them one after the other, and a clip has one label of
            each, in their order. Empty where there is one task.
        missing: Clips that the published list names and that are not on disk, by id,
            with the reason. They are not among ``clips``.
        list_name: What the list is known as, if it is that of a publication; "" if not.
        premade: The corrupted copies of the clips that are part of the data set. A run
            evaluates these, and corrupts nothing itself.
        has_clean: Whether ``clips`` can be loaded; False where only their corrupted
            copies are there.

    Example::

        class Tones(Dataset):
            def __init__(self, *, split="test", root=None):
                self.labels = ("low", "high")
                self.clips = [ClipRef(f"{split}-{i}", (i % 2,)) for i in range(100)]

            def load(self, ref, spec):
                ...

    Raises:
        DatasetError: The files are missing, or the lists contradict each other.
    """

    labels: tuple[str, ...]
    multi_label: bool = False
    clips: Sequence[ClipRef]
    tasks: Mapping[str, int] = MappingProxyType({})
    missing: Mapping[str, str] = MappingProxyType({})
    list_name: str = ""
    premade: Sequence[Premade] = ()
    has_clean: bool = True
    root: Path | None = None

    @abstractmethod
    def load(self, ref: ClipRef, spec: InputSpec) -> Clip:
        """Decode one clip, sampled as ``spec`` says; safe to call from threads.

        Raises:
            MediaError: The clip cannot be read; the run notes it and goes on.
        """

    def files(self, ref: ClipRef) -> Sequence[Path]:
        """Return the files that a clip is decoded from, where it has files of its own.

        A decoded copy is used while their names, sizes and times stay; without any,
        while the content version does. One that is missing is named all the same.
        """
        return ()

    def content_version(self) -> str:
        """What changes the content of clips but not their ids, such as a renderer."""
        return ""

    def fingerprint(self, clips: Sequence[ClipRef] | None = None) -> str:
        """Return a hash of classes, clip ids, labels and content version."""
        chosen = self.clips if clips is None else clips
        rows = [(ref.id, ref.labels) for ref in chosen]
        text = json.dumps([self.labels, self.content_version(), rows])
        return hashlib.sha256(text.encode()).hexdigest()[:16]
