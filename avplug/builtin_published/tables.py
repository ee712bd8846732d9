"""The numbers of each paper, with the protocol as far as it is known.

Numbers are facts of the sources that the descriptors name; every row tells where it
stands. Protocols are what the sources or the code that their authors published say;
which of two published versions of the code made a table is not known of all.
"""

from __future__ import annotations

from dataclasses import replace

from avplug.core.published import (
    PublishedAttackProtocol,
    PublishedNumber,
    PublishedProtocol,
    PublishedResults,
    read_numbers,
)

_FRAME = "frame 5 of 10, resized and cropped twice, JPEG of quality 85; float sound"
_GENERATOR = "the authors' generator: no random state, a draw for each frame"

_2C = PublishedProtocol(
    severity=5, senses="av", corruptions=_GENERATOR, preparation=_FRAME
)
_ADAPTED = replace(
    _2C, averaging="batches", evaluation_batch=128, batch_size=16, reset="reset"
)
_VGGSOUND_2C = replace(
    _ADAPTED,
    clips=14046,
    classes=309,
    clip_list="451e9fa84457169aea455286dcc4bb98c3f6a37d4212506f65de3128513d1526",
    weights={"CAV-MAE": "vgg_65.5.pth"},
    order="of the authors' list files, which are not public",
)
_KINETICS_2C = replace(_ADAPTED, clips=3111, classes=32)
_AUDIOSET_2C = replace(_2C, clips=16742, classes=527, averaging="clips")
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

#: Sizes of the released code; a centre frame of 8 a second, of clips of 10 seconds.
_CVPR21_NETWORK = {
    "image_size": 224,
    "samples": 65_535,
    "sound_widths": (64, 128, 256, 512),
    "frame_width": 64,
    "frame_depths": (2, 2, 2, 2),
    "pool": "avg",
    "grid": 80,
    "picks": (39,),
}
_CVPR21_ATTACKS = PublishedAttackProtocol(
    network="ResNet-18 and eight convolutions along the sound",
    config=_CVPR21_NETWORK,
    start="ImageNet's for the picture's network",
    norm="linf",
    colours=(0.229, 0.224, 0.225),
    knowledge="white-box",
    steps={"FGSM": 1, "PGD": 10, "MIM": 10},
    step={"FGSM": 1.0, "PGD": 0.125, "MIM": 0.125},
    loss="cross-entropy",
    defended_loss="cross-entropy + 1 x cosine of the senses' features",
    leaves={
        "FGSM": "the sound's valid range (code)",
        "MIM": "up to 11.25 epsilon of the picture, 1.25 of the sound (code)",
    },
)
_ICLR25 = PublishedProtocol(
    attacks=PublishedAttackProtocol(
        network="AlexNet or ResNet, each with two networks of the sound; sum or concat",
        steps=dict.fromkeys(
            ("TIA (minimise Eq.2), 5 steps", "TIA with Eq.2 maximised, 5 steps"), 5
        ),
    )
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
    """Return Tables 1 to 6 of the CVPR 2021 paper.

    Clips are those of the released lists, whose epochs on AVE are not the paper's; of
    AVE its code attacks a shorter excerpt of sound.
    """
    shorter = {**_CVPR21_NETWORK, "samples": 33_075}
    ave = replace(_CVPR21_ATTACKS, config=shorter)
    protocols = {
        "MUSIC": _attacked(104, 11, 312, (100,)),
        "Kinetics-Sounds27": _attacked(3104, 27, 9309, (30,)),
        "AVE": _attacked(402, 28, 3339, (100, 30), ave),
    }
    return PublishedResults(_numbers("cvpr21"), protocols)


def iclr25() -> PublishedResults:
    """Return what authors and reviewers of the ICLR 2025 paper state in public."""
    return PublishedResults(_numbers("iclr25"), {"Kinetics-Sounds": _ICLR25})


def _single_sense() -> dict[str, PublishedProtocol]:
    return {
        "Kinetics50-C": replace(_READ, clips=2466, classes=50),
        "VGGSound-C": replace(
            _READ, clips=14046, classes=309, clip_list=_VGGSOUND_2C.clip_list
        ),
    }


def _attacked(
    clips: int,
    classes: int,
    training_clips: int,
    epochs: tuple[int, ...],
    attacks: PublishedAttackProtocol = _CVPR21_ATTACKS,
) -> PublishedProtocol:
    trained = replace(attacks, training_clips=training_clips, epochs=epochs)
    return PublishedProtocol(
        clips=clips, classes=classes, averaging="clips", attacks=trained
    )
