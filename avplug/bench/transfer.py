"""Batches on their way to the model's device, while it works on the ones before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from avplug.core.batch import Batch, collate
from avplug.core.clip import Clip, InputSpec


@dataclass(frozen=True, slots=True, eq=False)
class Sent:
    """A batch on its device, or soon there.

    Args:
        batch: The clips.
        ready: When it has arrived; None if it has.
    """

    batch: Batch
    ready: torch.cuda.Event | None


class Sender:
    """Makes batches on a device.

    On CUDA a batch travels as bytes, from pinned memory and on a stream of its own: the
    copy keeps neither the host nor the model waiting.

    Args:
        device: Where the model is.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._stream: torch.cuda.Stream | None = None
        if device.type == "cuda":
            self._stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]

    @property
    def asynchronous(self) -> bool:
        """Whether a batch can be sent while the model works."""
        return self._stream is not None

    def send(self, clips: Sequence[Clip], spec: InputSpec) -> Sent:
        """Set out with a batch of clips that were made to ``spec``."""
        if self._stream is None:
            return Sent(collate(clips, spec, self._device), None)
        with torch.cuda.stream(self._stream):
            batch = collate(clips, spec, self._device)
            return Sent(batch, self._stream.record_event())

    def receive(self, sent: Sent) -> Batch:
        """Return a batch that the current stream may use, and keep until it has."""
        if sent.ready is not None:
            current = torch.cuda.current_stream(self._device)
            current.wait_event(sent.ready)
            batch = sent.batch
            for tensor in (batch.frames, batch.waveform, batch.lengths):
                tensor.record_stream(current)
        return sent.batch
