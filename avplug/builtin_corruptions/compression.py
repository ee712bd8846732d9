"""Compression: a picture and a sound that were squeezed too hard."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from avplug.builtin_corruptions.frame_memory import new_frames
from avplug.builtin_corruptions.pixels import Pixels
from avplug.core.clip import ClipInfo
from avplug.core.corruption import Corruption
from avplug.core.errors import MediaError
from avplug.core.randomness import KeyedRandom

JPEG_QUALITY = (25, 18, 15, 10, 7)
QUANTISER_BITS = (24, 16, 8, 4, 2)
BLOCK = 1024
CUTOFF_HZ = (8000.0, 6000.0, 4000.0, 2000.0, 1000.0)
FILTER_ORDER = 6
#: OpenCV reads red, green, blue from version 4.10 on; 0 before.
_READ_RGB: int = getattr(cv2, "IMREAD_COLOR_RGB", 0)


@dataclass(frozen=True, slots=True)
class CompressionScene:
    """Quality of the JPEG; bits of the quantiser, or else cut-off in Hz.

    Exactly one of the two is set: bits in profile ``paper``, the cut-off in profile
    ``released``.
    """

    jpeg_quality: int
    bits: int | None = None
    cutoff_hz: float | None = None


class Compression(Corruption):
    """JPEG on every frame; a DCT quantiser or a low-pass on the sound.

    Picture: baseline JPEG with 4:2:0 chroma, the same for both profiles. Sound,
    profile ``paper``: blocks of 1,024 samples of each channel, orthonormal DCT-II,
    rounded to 2^(1-bits) of the block's largest coefficient; severities 1 and 2 are
    inaudible (some 125 and 77 dB SNR). Profile ``released``: causal Butterworth
    low-pass of order 6, which also delays the sound; cut-offs at or above half the
    sample rate change nothing. Nothing is random. Source: AVRobustBench
    (arXiv:2506.00358).
    """

    def scene(
        self, info: ClipInfo, severity: int, rng: KeyedRandom
    ) -> CompressionScene:
        """Return the parameters of a severity from 1 to 5."""
        level = severity - 1
        if self.profile == "paper":
            return CompressionScene(JPEG_QUALITY[level], bits=QUANTISER_BITS[level])
        return CompressionScene(JPEG_QUALITY[level], cutoff_hz=CUTOFF_HZ[level])

    def video(
        self,
        frames: Pixels,
        times: NDArray[np.float64],
        scene: CompressionScene,
        rng: KeyedRandom,
    ) -> Pixels:
        """Return frames after JPEG, uint8 [T, H, W, 3].

        Raises:
            MediaError: A side exceeds 65,500 pixels, which JPEG cannot store.
        """
        spoilt = new_frames(frames.shape)
        colours = np.empty(frames.shape[1:], np.uint8)
        for frame, target in zip(frames, spoilt, strict=True):
            cv2.cvtColor(frame, cv2.COLOR_RGB2BGR, dst=colours)
            target[...] = _jpeg(colours, scene.jpeg_quality)
        return spoilt

    def audio(
        self,
        samples: NDArray[np.float32],
        sample_rate: int,
        scene: CompressionScene,
        rng: KeyedRandom,
    ) -> NDArray[np.float32]:
        """Return squeezed sound, float32 [C, N]; it may leave -1..1 a little."""
        if scene.bits is not None:
            return quantised(samples, scene.bits)
        return low_passed(samples, sample_rate, scene.cutoff_hz or np.inf)


def _jpeg(frame: Pixels, quality: int) -> Pixels:
    """Return what is left of a frame in blue, green, red; in red, green, blue."""
    stored, file = cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, quality])
    decoded = cv2.imdecode(file, _READ_RGB or cv2.IMREAD_COLOR) if stored else None
    if decoded is None:
        height, width = frame.shape[:2]
        raise MediaError(
            f"A frame of {width}x{height} pixels cannot be stored as JPEG.",
            "Its sides may have up to 65,500 pixels.",
        )
    # The decoder turns colours round for nothing where it can.
    rgb = decoded if _READ_RGB else cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB)
    return cast(Pixels, rgb)


def quantised(samples: NDArray[np.float32], bits: int) -> NDArray[np.float32]:
    """Return sound whose DCT coefficients have few bits.

    Args:
        samples: float32 [C, N].
        bits: The step is ``2^(1-bits)`` of a block's largest coefficient.

    Returns:
        float32 [C, N]; silence stays silent.
    """
    channels, count = samples.shape
    padded = np.zeros((channels, -(-count // BLOCK) * BLOCK), np.float32)
    padded[:, :count] = samples
    blocks = padded.reshape(-1, BLOCK)
    if bits > 16:
        # The transform itself would be coarser than the step in single precision.
        blocks = blocks.astype(np.float64)
    if not blocks.size:
        return samples.copy()
    levels: NDArray[Any] = np.asarray(cv2.dct(blocks, flags=cv2.DCT_ROWS))
    largest = np.maximum(levels.max(axis=1), -levels.min(axis=1))[:, None]
    # A power of two scales without an error.
    step = largest * levels.dtype.type(2.0 ** (1 - bits))
    step[step == 0] = 1
    levels /= step
    np.rint(levels, out=levels)
    levels *= step
    restored = np.asarray(cv2.idct(levels, flags=cv2.DCT_ROWS))
    return np.ascontiguousarray(
        restored.reshape(channels, -1)[:, :count], dtype=np.float32
    )


def low_passed(
    samples: NDArray[np.float32], sample_rate: int, cutoff_hz: float
) -> NDArray[np.float32]:
    """Return sound after a causal Butterworth low-pass of order 6.

    Args:
        samples: float32 [C, N].
        sample_rate: Hz.
        cutoff_hz: Where it has lost 3 dB. At or above half the sample rate there is
            nothing to cut: the sound stays as it is.

    Returns:
        float32 [C, N], a new array.
    """
    if cutoff_hz >= sample_rate / 2:
        return samples.copy()
    from scipy.signal import butter, sosfilt

    sections = butter(FILTER_ORDER, cutoff_hz, fs=sample_rate, output="sos")
    filtered: NDArray[np.float32] = sosfilt(sections, samples, axis=1)
    return filtered.astype(np.float32)
