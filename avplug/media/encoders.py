"""The two tracks of a file being written: frames and samples in, packets out."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avplug.core.errors import MediaError

#: Times are multiples of this: exact for 24, 25, 30, 50, 60 and 1000/1001 of them.
TIME_BASE = Fraction(1, 720_000)

_LAYOUTS = {
    1: "mono",
    2: "stereo",
    3: "3.0",
    4: "4.0",
    5: "5.0",
    6: "5.1",
    7: "6.1",
    8: "7.1",
}
#: FFmpeg's numbers for BT.709 and for the limited range, as H.264 carries them.
_BT709, _LIMITED = 1, 1


class PictureTrack:
    """Encodes frames one at a time.

    Args:
        container: What to write to, opened by PyAV.
        frames: uint8 [T, H, W, 3].
        stamps: When each is presented, in units of ``TIME_BASE``, increasing.
        end: When the last one ends.
        lossless: RGB without loss instead of 4:2:0.
        crf: x264's quality of the latter.

    Attributes:
        notes: What differs from the frames given, in words.
    """

    def __init__(
        self,
        container: Any,
        frames: NDArray[np.uint8],
        stamps: list[int],
        end: int,
        lossless: bool,
        crf: int,
    ) -> None:
        self.container = container
        self.frames = frames
        self.lossless = lossless
        self.crf = crf
        lengths = np.diff([*stamps, end]).tolist()
        self.lengths = dict(zip(stamps, lengths, strict=True))
        height, width = frames.shape[1:3]
        self.padding = (0, 0) if lossless else (height % 2, width % 2)
        even = f"{width + width % 2}x{height + height % 2}"
        self.notes = (
            (f"padded {width}x{height} to {even}: H.264 needs even sizes",)
            if any(self.padding)
            else ()
        )
        rate = len(stamps) / ((end - stamps[0]) * TIME_BASE)
        self.stream = self._add_stream(rate.limit_denominator(1001))

    def _add_stream(self, rate: Fraction) -> Any:
        codec = "libx264rgb" if self.lossless else "libx264"
        stream = self.container.add_stream(codec, rate=rate)
        stream.height = self.frames.shape[1] + self.padding[0]
        stream.width = self.frames.shape[2] + self.padding[1]
        context = stream.codec_context
        context.time_base = TIME_BASE
        if self.lossless:
            stream.pix_fmt = "rgb24"
            stream.options = {"qp": "0", "preset": "veryfast"}
            return stream
        stream.pix_fmt = "yuv420p"
        stream.options = {
            "crf": str(self.crf),
            "preset": "veryfast",
            # x264's macroblock tree reads memory that it never wrote (AVX-512).
            "x264-params": "mbtree=0",
        }
        # Untagged, each player would pick another matrix.
        context.colorspace = context.color_primaries = context.color_trc = _BT709
        context.color_range = _LIMITED
        return stream

    def write(self) -> Iterator[float]:
        """Encode frame after frame; yield the seconds up to which it is written."""
        for frame, (stamp, length) in zip(
            self.frames, self.lengths.items(), strict=True
        ):
            self._mux(self.stream.encode(self._picture(frame, stamp)))
            yield float((stamp + length) * TIME_BASE)
        self._mux(self.stream.encode())

    def _mux(self, packets: list[Any]) -> None:
        for packet in packets:
            packet.duration = self.lengths[packet.pts]
            self.container.mux(packet)

    def _picture(self, frame: NDArray[np.uint8], stamp: int) -> Any:
        from av import VideoFrame

        down, right = self.padding
        frame = np.pad(frame, ((0, down), (0, right), (0, 0)), mode="edge")
        picture = VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")
        if not self.lossless:
            picture = picture.reformat(
                format="yuv420p",
                interpolation="AREA",
                dst_colorspace=_BT709,
                dst_color_range=_LIMITED,
            )
        picture.pts, picture.time_base = stamp, TIME_BASE
        return picture


class SoundTrack:
    """Encodes sound in step with the picture.

    Args:
        container: What to write to, opened by PyAV.
        samples: float32 [C, N].
        rate: Hz.
        lossless: 32-bit floats as they are instead of AAC, which is clipped to -1..1.

    Attributes:
        notes: What differs from the sound given, in words.

    Raises:
        MediaError: No container holds so many channels.
    """

    def __init__(
        self, container: Any, samples: NDArray[np.float32], rate: int, lossless: bool
    ) -> None:
        if len(samples) not in _LAYOUTS:
            raise MediaError(
                f"The sound has {len(samples)} channels; a file holds at most "
                f"{max(_LAYOUTS)}."
            )
        self.container = container
        self.samples = samples if lossless else samples.clip(-1, 1)
        self.rate = rate
        self.written = 0
        self.layout = _LAYOUTS[len(samples)]
        stored_rate = rate if lossless else _aac_rate(rate)
        self.notes = (
            (f"sound resampled to {stored_rate} Hz: AAC has no {rate} Hz",)
            if stored_rate != rate
            else ()
        )
        codec = "pcm_f32le" if lossless else "aac"
        self.stream = container.add_stream(codec, rate=stored_rate, layout=self.layout)

    def write_until(self, moment: float) -> None:
        """Encode the samples up to a time in seconds."""
        stop = min(round(moment * self.rate), self.samples.shape[1])
        if stop <= self.written:
            return
        from av import AudioFrame

        # Packed: PyAV cannot fill eight separate planes.
        chunk = np.ascontiguousarray(self.samples[:, self.written : stop].T)
        frame = AudioFrame.from_ndarray(
            chunk.reshape(1, -1), format="flt", layout=self.layout
        )
        frame.sample_rate, frame.pts = self.rate, self.written
        frame.time_base = Fraction(1, self.rate)
        self.container.mux(self.stream.encode(frame))
        self.written = stop

    def finish(self) -> None:
        """Encode what is left, a second at a time."""
        while self.written < self.samples.shape[1]:
            self.write_until(self.written / self.rate + 1)
        self.container.mux(self.stream.encode())


def _aac_rate(rate: int) -> int:
    """Return the lowest rate of AAC that loses nothing, or its highest."""
    from av.codec import Codec

    rates = sorted(Codec("aac", "w").audio_rates or ())
    return next((known for known in rates if known >= rate), rates[-1])
