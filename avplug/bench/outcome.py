"""What comes of a cell: answers gathered by batch, then predictions and places."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avplug.bench.feed import targets_of
from avplug.bench.pipeline import ClipFailure
from avplug.bench.plan import Cell
from avplug.bench.protocols import Item
from avplug.bench.store import Maps, Places
from avplug.core.clip import ClipRef
from avplug.core.errors import AvplugError, DatasetError, StoppedError
from avplug.core.metric import Embeddings, Predictions


class NoClipError(DatasetError):
    """Every clip of a cell failed."""


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """What came of a cell.

    Args:
        predictions: By segment, then in the data set's order.
        record: Timings, failures and diagnostics, as plain data.
        places: Where in the stream each prediction was made; None where the method
            has no state.
        maps: Localisation of some clips; None where nothing was kept of it.
    """

    predictions: Predictions
    record: dict[str, Any]
    places: Places | None
    maps: Maps | None


class Answers:
    """The logits and failures of a cell, in the order in which they came.

    Args:
        cell: Whose they are.
        clips: That are asked for, in the data set's order.
        classes: Length of a row of targets.
        stop: Let the first clip that fails end the cell.
    """

    def __init__(
        self, cell: Cell, clips: Sequence[ClipRef], classes: int, *, stop: bool = False
    ) -> None:
        self._cell = cell
        self._clips = clips
        self._classes = classes
        self._stop = stop
        self._logits: dict[tuple[int, str], NDArray[np.float32]] = {}
        self._failures: dict[tuple[int, str], ClipFailure] = {}
        self._vectors: dict[tuple[int, str], list[NDArray[np.float32]]] = {}
        #: Whether clips were read of which the answers are of no use.
        self._answered = False

    def __len__(self) -> int:
        return len(self._logits)

    def fail(self, item: Item, failure: ClipFailure) -> None:
        """Take note of a clip that is left out.

        Raises:
            StoppedError: None may be.
        """
        segment, ref = item
        if self._stop:
            raise StoppedError(f"Clip '{ref.id}': {failure.reason}")
        self._failures[segment, ref.id] = failure

    def note(
        self, items: Sequence[Item], rows: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Take logits [B, C] and return those that are finite; others are failures."""
        finite = np.asarray(np.isfinite(rows).all(axis=1))
        for item, row, good in zip(items, rows, finite, strict=True):
            segment, ref = item
            if good:
                self._logits[segment, ref.id] = row
            else:
                reason = "The logits are not finite."
                self._answered = True
                self.fail(item, ClipFailure(ref.id, reason))
        return rows[finite]

    def embed(self, items: Sequence[Item], vectors: Embeddings) -> None:
        """Take the embeddings of clips, [B, D] for each sense."""
        for (segment, ref), *pair in zip(
            items, vectors.audio, vectors.video, strict=True
        ):
            self._vectors[segment, ref.id] = pair

    def check(self) -> None:
        """Make sure that there is an answer.

        Raises:
            NoClipError: There is none, as no clip could be read or corrupted.
            AvplugError: There is none, and that is due to the method or the model.
        """
        if not self._logits:
            first = next(iter(self._failures.values()))
            kind = AvplugError if self._answered else NoClipError
            raise kind(
                f"None of {len(self._failures)} clips could be evaluated. The first, "
                f"'{first.id}': {first.reason}"
            )

    def record(self) -> dict[str, Any]:
        """Return counts and failures; of several segments also those of each."""
        parts = [self._part(segment) for segment in range(len(self._cell.segments))]
        record = {
            "clips": {"evaluated": len(self._logits), "failed": len(self._failures)},
            "failures": [row for part in parts for row in part["failures"]],
        }
        return record | ({"segments": parts} if len(parts) > 1 else {})

    def _part(self, segment: int) -> dict[str, Any]:
        failures = [f for (s, _), f in self._failures.items() if s == segment]
        return {
            "clips": {
                "evaluated": sum(s == segment for s, _ in self._logits),
                "failed": len(failures),
            },
            "failures": [
                {"id": f.id, "reason": f.reason}
                for f in sorted(failures, key=lambda f: f.id)
            ],
        }

    def predictions(self) -> Predictions:
        """Return the predictions by segment, then in the data set's order."""
        model = self._cell.model.model
        done = self._done()
        logits = [self._logits[segment, ref.id] for segment, ref in done]
        return Predictions(
            np.array([ref.id for _, ref in done], np.str_),
            np.stack(logits) if done else np.zeros((0, self._classes), np.float32),
            targets_of(done, self._classes).numpy(),
            model.outputs,
            embeddings=self._embeddings(done),
        )

    def _embeddings(self, done: list[Item]) -> Embeddings | None:
        if not self._vectors:
            return None
        pairs = [self._vectors[segment, ref.id] for segment, ref in done]
        audio, video = (np.stack(sense) for sense in zip(*pairs, strict=True))
        return Embeddings(audio, video)

    def places(self) -> Places | None:
        """Return where predictions were made; None where the method has no state."""
        if not self._cell.treatment.adapter.stateful:
            return None
        seen = {key: position for position, key in enumerate(self._logits)}
        done = self._done()
        return Places(
            np.array([segment for segment, _ in done], np.int32),
            np.array([seen[segment, ref.id] for segment, ref in done], np.int32),
        )

    def _done(self) -> list[Item]:
        return [
            (segment, ref)
            for segment in range(len(self._cell.segments))
            for ref in self._clips
            if (segment, ref.id) in self._logits
        ]
