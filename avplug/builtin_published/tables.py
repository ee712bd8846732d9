"""The numbers of each paper, with the protocol as far as it is known.

Numbers are facts of the sources that the descriptors name; every row tells where it
stands. Protocols are what the sources or the code that their authors published say;
which of two published versions of the code made a table is not known of all.
"""

from __future__ import annotations

from dataclasses import replace

from avplug.core.published import (
    PublishedNumber,
    PublishedProtocol,
    PublishedResults,
    read_numbers,
)

_FRAME = "frame 5 of 10, resized and cropped twice, JPEG of quality 85; float sound"
_GENERATOR = "the authors' generator: no random state, a draw for each frame"

_VGGSOUND_2C = PublishedProtocol(
    clips=14046,
    classes=309,
    clip_list="451e9fa84457169aea455286dcc4bb98c3f6a37d4212506f65de3128513d1526",
    weights={"CAV-MAE": "vgg_65.5.pth"},
    averaging="batches",
    evaluation_batch=128,
    batch_size=16,
    order="of the authors' list files, which are not public",
    reset="reset",
    severity=5,
    senses="av",
    corruptions=_GENERATOR,
    preparation=_FRAME,
)
_KINETICS_2C = PublishedProtocol(
    clips=3111,
    classes=32,
    averaging="batches",
    evaluation_batch=128,
    batch_size=16,
    reset="reset",
    severity=5,
    senses="av",
    corruptions=_GENERATOR,
    preparation=_FRAME,
)
_AUDIOSET_2C = PublishedProtocol(
    clips=16742,
    classes=527,
    averaging="clips",
    severity=5,
    senses="av",
    corruptions=_GENERATOR,
    preparation=_FRAME,
)
_READ_RUNS = "mean of 5 (random states 111 to 555)"
_READ = PublishedProtocol(
    averaging="batches",
    batch_size=64,
    rates=dict.fromkeys(("TENT", "EATA", "SAR", "READ"), 1e-4),
    order="shuffled",
    reset="reset",
    runs=_READ_RUNS,
    severity=5,
    corruptions="ImageNet-C's of pictures, six recorded noises, one sense at a time",
)


def _numbers(name: str) -> tuple[PublishedNumber, ...]:
    return read_numbers("avplug.builtin_published", f"numbers/{name}.csv")


def avrobustbench() -> PublishedResults:
    """Return AVRobustBench's project page, and what summaries quote of the paper."""
    protocols = {
        "AudioSet-2C": _AUDIOSET_2C,
        "VGGSound-2C": _VGGSOUND_2C,
        "Kinetics-2C": _KINETICS_2C,
    }
    return PublishedResults(_numbers("avrobustbench"), protocols)


def avrecap() -> PublishedResults:
    """Return AVReCAP's project page: a continual stream in the order of its figure."""
    protocol = PublishedProtocol(
        clips=14046,
        classes=309,
        clip_list=_VGGSOUND_2C.clip_list,
        reset="continual",
        severity=5,
        senses="av",
        corruptions=_GENERATOR,
    )
    return PublishedResults(_numbers("avrecap"), {"VGGSound-2C": protocol})


def read() -> PublishedResults:
    """Return READ's tables."""
    return PublishedResults(_numbers("read"), _single_sense())


def brimpr() -> PublishedResults:
    """Return BriMPR's tables."""
    return PublishedResults(_numbers("brimpr"))


def pta() -> PublishedResults:
    """Return the table of PTA's README."""
    return PublishedResults(_numbers("pta"))


def adapgc() -> PublishedResults:
    """Return what a summary of AdaPGC quotes."""
    return PublishedResults(_numbers("adapgc"))


def dasp() -> PublishedResults:
    """Return what a summary of DASP quotes."""
    return PublishedResults(_numbers("dasp"))


def firm() -> PublishedResults:
    """Return the table of FIRM's README."""
    return PublishedResults(_numbers("firm"))


def cvpr21() -> PublishedResults:
    """Return Tables 1 to 6 of the CVPR 2021 paper."""
    return PublishedResults(_numbers("cvpr21"))


def iclr25() -> PublishedResults:
    """Return what authors and reviewers of the ICLR 2025 paper state in public."""
    return PublishedResults(_numbers("iclr25"))


def _single_sense() -> dict[str, PublishedProtocol]:
    return {
        "Kinetics50-C": replace(_READ, clips=2466, classes=50),
        "VGGSound-C": replace(
            _READ, clips=14046, classes=309, clip_list=_VGGSOUND_2C.clip_list
        ),
    }
