"""An avplug plugin: what coding and transport do to picture and sound."""

from __future__ import annotations

from collections.abc import Sequence

from avplug import CorruptionSpec, hookimpl

_CODECS = {
    "h264": ("H264", "H.264 and AAC, coded ever more coarsely (libx264)"),
    "h265": ("H265", "H.265 and AAC, coded ever more coarsely (libx265)"),
    "vp9": ("VP9", "VP9 and Opus, coded ever more coarsely (libvpx-vp9, libopus)"),
    "av1": ("AV1", "AV1 and Opus, coded ever more coarsely (libsvtav1, libopus)"),
    "mpeg4": ("MPEG4", "MPEG-4 Part 2 and MP3, ever more coarsely (libmp3lame)"),
    "telephone": ("Telephone", "H.263+ and speech codecs of ever narrower lines"),
}
_NETWORK = {
    "bandwidth": (
        "bandwidth:Bandwidth",
        "The bit rate collapses within the clip (libx264)",
    ),
    "packet-loss": (
        "packet_loss:PacketLoss",
        "Lost packets of H.264 and of sound, concealed (libx264)",
    ),
    "freeze": ("outages:Freeze", "The picture freezes and the sound is mute"),
    "stutter": ("outages:Stutter", "Picture and sound get stuck and repeat"),
    "dropout": ("outages:Dropout", "Black and silent for moments"),
    "desync": ("desync:Desync", "The sound is early or late, by milliseconds"),
}


@hookimpl
def avplug_corruptions() -> Sequence[CorruptionSpec]:
    """Return the descriptors; PyAV is imported when one of them is used.

    A summary names in brackets the encoders that a build of FFmpeg may lack.
    """
    codecs = [
        CorruptionSpec(
            name,
            f"avplug_codec.codecs:{target}",
            summary,
            category="codec",
            profiles=("paper",),
        )
        for name, (target, summary) in _CODECS.items()
    ]
    network = [
        CorruptionSpec(
            name,
            f"avplug_codec.{target}",
            summary,
            category="network",
            profiles=("paper",),
        )
        for name, (target, summary) in _NETWORK.items()
    ]
    return [*codecs, *network]
