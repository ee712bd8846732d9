"""Codecs at falling rates: what a file or a call loses by being sent."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from avplug import ClipInfo, KeyedRandom
from avplug_codec import picture, sound
from avplug_codec.bands import telephone_band
from avplug_codec.ffmpeg import Transcoding
from avplug_codec.picture import PictureCodec
from avplug_codec.sound import SoundCodec

# The macroblock tree of x264 reads memory that it never wrote where the processor has
# AVX-512 (seen with build 165): the same picture comes out otherwise now and then.
X264 = PictureCodec(
    "libx264", "h264", {"preset": "veryfast", "x264-params": "mbtree=0"}
)
# x265 4.2 writes beyond its buffers where a picture has fewer than 64 rows.
X265 = PictureCodec(
    "libx265",
    "hevc",
    {
        "preset": "ultrafast",
        "x265-params": "pools=none:frame-threads=1:wpp=0:log-level=none",
    },
    least=64,
)
VPX9 = PictureCodec(
    "libvpx-vp9",
    "vp9",
    {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0", "b": "0"},
)
SVT = PictureCodec(
    "libsvtav1", "libdav1d", {"preset": "10", "svtav1-params": "lp=1"}, least=64
)
MPEG4_PART_2 = PictureCodec("mpeg4", "mpeg4")
H263 = PictureCodec("h263p", "h263", multiple=4)

_MPEG_RATES = (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)
AAC = SoundCodec("aac", "aac", "fltp", _MPEG_RATES, delay=1024, stereo=True)
MP3 = SoundCodec("libmp3lame", "mp3float", "fltp", _MPEG_RATES, stereo=True)
OPUS = SoundCodec("libopus", "opus", "flt", (48_000,), stereo=True)
G722 = SoundCodec("g722", "g722", "s16", (16_000,), delay=22)
G711 = SoundCodec("pcm_mulaw", "pcm_mulaw", "s16", (8_000,))
G723 = SoundCodec("g723_1", "g723_1", "s16", (8_000,), delay=60)

#: Constant rate factors of the H.26x videos of Mini Kinetics-C (Yi et al. 2021).
H26X_CRF = (23, 30, 37, 44, 51)
#: Up to the coarsest there is.
VPX_CRF = (31, 39, 47, 55, 63)
QUANTISER = (3, 6, 11, 19, 31)


class Codec(Transcoding):
    """A codec whose steps grow coarser; the bit rate falls with them.

    The picture's severity is the quantiser and not the bit rate: the latter follows
    from what is shown, so that an easy clip would lose nothing at a rate that ruins
    another. The sound's is its bit rate. Sound codecs of low rates code at a low
    sample rate too, as encoders do by themselves.
    """

    codec: ClassVar[PictureCodec]
    sound_codec: ClassVar[SoundCodec]
    #: Options of the picture's encoder by severity.
    ladder: ClassVar[tuple[dict[str, str], ...]]
    #: Bits per second and channel, and the highest sample rate, by severity.
    sound_ladder: ClassVar[tuple[tuple[int, int], ...]]

    def encoders(self) -> tuple[str, ...]:
        """Return FFmpeg's names."""
        return self.codec.encoder, self.sound_codec.encoder

    def scene(self, info: ClipInfo, severity: int, rng: KeyedRandom) -> int:
        """Return the rung of both ladders; nothing is random."""
        return severity - 1

    def video(
        self,
        frames: NDArray[np.uint8],
        times: NDArray[np.float64],
        scene: int,
        rng: KeyedRandom,
    ) -> NDArray[np.uint8]:
        """Encode and decode all frames."""
        return self.coded(frames, times, scene).frames

    def coded(
        self, frames: NDArray[np.uint8], times: NDArray[np.float64], scene: int
    ) -> picture.Coded:
        """Return the decoded frames and how many bytes they took."""
        rate = picture.frame_rate(times)
        return picture.code(frames, rate, self.codec, self.ladder[scene])

    def audio(
        self,
        samples: NDArray[np.float32],
        sample_rate: int,
        scene: int,
        rng: KeyedRandom,
    ) -> NDArray[np.float32]:
        """Encode and decode all samples."""
        bits, highest = self.sound_ladder[scene]
        return sound.code(
            samples, sample_rate, self.sound_codec, bit_rate=bits, highest=highest
        )


_AAC_LADDER = (
    (64_000, 48_000),
    (32_000, 32_000),
    (20_000, 22_050),
    (12_000, 12_000),
    (8_000, 8_000),
)
_MP3_LADDER = (
    (64_000, 48_000),
    (40_000, 32_000),
    (24_000, 24_000),
    (16_000, 16_000),
    (8_000, 8_000),
)
_OPUS_LADDER = tuple((bits, 48_000) for bits in (48_000, 24_000, 16_000, 10_000, 6_000))


class H264(Codec):
    """H.264 and AAC, as most files on the web."""

    codec, sound_codec = X264, AAC
    ladder = tuple({"crf": str(crf)} for crf in H26X_CRF)
    sound_ladder = _AAC_LADDER


class H265(Codec):
    """H.265 and AAC, as telephones record."""

    codec, sound_codec = X265, AAC
    ladder = tuple({"crf": str(crf)} for crf in H26X_CRF)
    sound_ladder = _AAC_LADDER


class VP9(Codec):
    """VP9 and Opus, as WebM."""

    codec, sound_codec = VPX9, OPUS
    ladder = tuple({"crf": str(crf)} for crf in VPX_CRF)
    sound_ladder = _OPUS_LADDER


class AV1(Codec):
    """AV1 and Opus, as WebM."""

    codec, sound_codec = SVT, OPUS
    ladder = tuple({"crf": str(crf)} for crf in VPX_CRF)
    sound_ladder = _OPUS_LADDER


class MPEG4(Codec):
    """MPEG-4 Part 2 and MP3, as AVI files of the first video sites."""

    codec, sound_codec = MPEG4_PART_2, MP3
    ladder = tuple({"qmin": str(q), "qmax": str(q)} for q in QUANTISER)
    sound_ladder = _MP3_LADDER


class Telephone(Codec):
    """A video call: H.263+, and the sound of ever worse lines.

    1. G.722, 64 kbit/s, up to 7 kHz: a good line in an office.
    2. G.711 mu-law, 64 kbit/s at 8 kHz: a digital line.
    3. The same behind an analogue line, 300 to 3400 Hz.
    4. The same, then G.723.1, 6.3 kbit/s: through the network of another provider.
    5. G.723.1 three times: through three of them.
    """

    codec = H263
    ladder = tuple({"qmin": str(q), "qmax": str(q)} for q in QUANTISER)

    def audio(
        self,
        samples: NDArray[np.float32],
        sample_rate: int,
        scene: int,
        rng: KeyedRandom,
    ) -> NDArray[np.float32]:
        """Pass the lines of this severity one after another."""
        if scene == 0:
            return sound.code(samples, sample_rate, G722)
        if scene >= 2:
            samples = telephone_band(samples, sample_rate)
        samples = sound.code(samples, sample_rate, G711)
        for _ in range((0, 0, 0, 1, 3)[scene]):
            samples = sound.code(samples, sample_rate, G723)
        return samples

    def encoders(self) -> tuple[str, ...]:
        """Return FFmpeg's names."""
        return self.codec.encoder, G722.encoder, G711.encoder, G723.encoder
