"""Lost packets: of the picture's stream, and of the sound's."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from avplug import ClipInfo, KeyedRandom
from avplug_codec import picture
from avplug_codec.annexb import split_units
from avplug_codec.concealment import conceal
from avplug_codec.congestion import PACKET, lost_moments
from avplug_codec.ffmpeg import Transcoding
from avplug_codec.picture import PictureCodec

#: Probability that a packet is lost.
SHARES = (0.01, 0.02, 0.05, 0.1, 0.2)
#: Largest packet of the picture, in bytes: what fits into one of a network.
LARGEST = 1200
#: Low delay, a slice for each packet, every picture coded from the one before.
STREAM = PictureCodec(
    "libx264",
    "h264",
    {
        "preset": "veryfast",
        "tune": "zerolatency",
        "crf": "23",
        "x264-params": f"threads=1:sliced-threads=0:slice-max-size={LARGEST}",
    },
    # Show what can be shown, however damaged.
    {"flags": "+output_corrupt", "flags2": "+showall"},
)


@dataclass(frozen=True, eq=False)
class Losses:
    """Which moments of 20 ms are lost, bool [moments]."""

    lost: NDArray[np.bool_]

    def at(self, seconds: float) -> bool:
        """Return whether what is sent at that moment is lost."""
        moment = min(max(0, int(seconds / PACKET + 1e-9)), len(self.lost) - 1)
        return bool(self.lost[moment])

    def arriving(self, packet: bytes, begin: float, rate: int) -> bytes | None:
        """Return what arrives of a coded picture, None without any of its slices.

        Its slices are sent at equal distances over the time of the frame, from
        ``begin`` seconds on.
        """
        units = split_units(packet)
        slices = [place for place, unit in enumerate(units) if unit.is_slice]
        gap = 1 / (rate * len(slices))
        gone = {
            place for turn, place in enumerate(slices) if self.at(begin + turn * gap)
        }
        if len(gone) == len(slices):
            return None
        return b"".join(u.data for place, u in enumerate(units) if place not in gone)


class PacketLoss(Transcoding):
    """A call over a network that loses packets of both senses in the same bursts.

    The picture is an H.264 stream in slices of at most 1200 bytes, sent one after
    another over the time of their frame; the slices of lost moments never reach the
    decoder, which conceals them from the picture before and carries the damage on
    until the next key frame, 2 s apart. Of the sound a packet of 20 ms is lost, which
    is made up from the period before. The first picture arrives: before it there is
    nothing to show.
    """

    def encoders(self) -> tuple[str, ...]:
        """Return FFmpeg's name."""
        return (STREAM.encoder,)

    def scene(self, info: ClipInfo, severity: int, rng: KeyedRandom) -> Losses:
        """Draw when the network is congested."""
        return Losses(lost_moments(rng, info.duration, SHARES[severity - 1]))

    def video(
        self,
        frames: NDArray[np.uint8],
        times: NDArray[np.float64],
        scene: Losses,
        rng: KeyedRandom,
    ) -> NDArray[np.uint8]:
        """Decode what arrives of the stream."""
        rate = picture.frame_rate(times)

        def carry(index: int, packet: bytes) -> bytes | None:
            return (
                scene.arriving(packet, float(times[index]), rate) if index else packet
            )

        return picture.code(frames, rate, STREAM, {}, carry=carry).frames

    def audio(
        self,
        samples: NDArray[np.float32],
        sample_rate: int,
        scene: Losses,
        rng: KeyedRandom,
    ) -> NDArray[np.float32]:
        """Conceal lost packets."""
        return conceal(samples, sample_rate, scene.lost, PACKET)
