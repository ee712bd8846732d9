"""The sound of a container: all samples of a part, at the wanted rate."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avplug.core.clip import InputSpec
from avplug.core.errors import MediaError
from avplug.media.container import (
    damaged,
    open_media,
    packets_of,
    presented_start,
    seek_before,
    sound_stream,
)
from avplug.media.scan import Window
from avplug.media.sound import select_channels


def read_audio(
    path: Path, spec: InputSpec, window: Window
) -> tuple[NDArray[np.float32], int, float]:
    """Return float32 [C, N], its rate in Hz, and the length in seconds as stored.

    Channels are chosen before resampling, by FFmpeg's resampler: what published
    features were made with. Sound that begins late is preceded by silence.

    Raises:
        MediaError: The track holds no sound in the part, or the file is damaged.
    """
    samples, rate = _decode(path, window)
    length = samples.shape[1] / rate
    samples = select_channels(samples, spec.channels)
    if spec.sample_rate in (0, rate):
        return np.ascontiguousarray(samples), rate, length
    rows = [resample(row, rate, spec.sample_rate) for row in samples]
    return np.stack(rows), spec.sample_rate, length


def resample(
    samples: NDArray[np.float32], rate: int, target: int
) -> NDArray[np.float32]:
    """Return float32 [N] resampled from ``rate`` to ``target`` Hz by FFmpeg."""
    import av

    resampler = av.AudioResampler(format="fltp", layout="mono", rate=target)
    row = np.ascontiguousarray(samples[None])
    frame = av.AudioFrame.from_ndarray(row, format="fltp", layout="mono")
    frame.sample_rate = rate
    # Without the flush the filter keeps its last samples.
    parts = [*resampler.resample(frame), *resampler.resample(None)]
    return np.concatenate([part.to_ndarray()[0] for part in parts])


def _decode(path: Path, window: Window) -> tuple[NDArray[np.float32], int]:
    import av

    to_float = av.AudioResampler(format="flt")
    parts: list[NDArray[np.float32]] = []
    first: float | None = None
    with open_media(path) as container:
        rate = sound_stream(container).rate
        for moment, frame in _heard(path, container, window):
            first = moment if first is None else first
            parts += _planar(path, to_float, frame)
    samples = np.concatenate(parts, axis=1) if parts else np.zeros((1, 0), np.float32)
    samples = _placed(samples, rate, first or 0.0, window)
    if samples.shape[1] == 0:
        raise MediaError(f"The audio track of '{path}' holds no sound in this part.")
    return samples, rate


def _heard(path: Path, container: Any, window: Window) -> Iterator[tuple[float, Any]]:
    """Yield the sound up to the part's end, with the seconds since its start."""
    stream = sound_stream(container)
    origin = presented_start(container)
    stream.thread_count = 1
    seek_before(container, float(origin) + window.start)
    for packet in packets_of(path, container, stream):
        for frame in packet.decode():
            time = frame.pts * frame.time_base - origin if frame.pts is not None else 0
            if window.end is not None and time >= window.end:
                return
            if frame.is_corrupt:
                raise damaged(path, f"the sound at {float(time):.3f} s is corrupt")
            yield float(time) - window.start, frame


def _planar(path: Path, to_float: Any, frame: Any) -> list[NDArray[np.float32]]:
    try:
        # Packed, then split here: PyAV cannot read eight separate planes.
        packed = [part.to_ndarray()[0] for part in to_float.resample(frame)]
        return [part.reshape(-1, frame.layout.nb_channels).T for part in packed]
    except ValueError as error:
        raise MediaError(
            f"'{path}' changes its sample rate or channels half-way."
        ) from error


def _placed(
    samples: NDArray[np.float32], rate: int, first: float, window: Window
) -> NDArray[np.float32]:
    """Return the samples from the part's start to its end, silence where none is."""
    offset = round(first * rate)
    if offset > 0:
        silence = np.zeros((samples.shape[0], offset), np.float32)
        samples = np.concatenate([silence, samples], axis=1)
    samples = samples[:, max(0, -offset) :]
    if window.end is None:
        return samples
    return samples[:, : round((window.end - window.start) * rate)]
