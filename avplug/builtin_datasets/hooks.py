"""Descriptors of the built-in data sets."""

from __future__ import annotations

from avplug.core.components import DatasetSpec
from avplug.core.hookspecs import hookimpl

_HOSTED = "https://huggingface.co/datasets/sakshamsingh1/av_robust_data"
#: Name, class, summary, classes, size and page of what was corrupted before.
_PREMADE = (
    (
        *("audioset-2c", "AudioSet2C", "Corrupted AudioSet from disk, as it is"),
        *(527, "16742 clips under 75 conditions", _HOSTED),
    ),
    (
        *("vggsound-2c", "VGGSound2C", "Corrupted VGGSound from disk, as it is"),
        *(309, "14046 clips under 75 conditions", _HOSTED),
    ),
    (
        *("kinetics-2c", "Kinetics2C", "Corrupted Kinetics-Sounds from disk, as it is"),
        *(32, "3111 clips under 75 conditions", _HOSTED),
    ),
    (
        *("epic-kitchens-2c", "EpicKitchens2C", "Corrupted EPIC-Kitchens, as it is"),
        *(397, "205 videos under 75 conditions", _HOSTED),
    ),
    (
        *("premade", "Corrupted", "What avplug build or READ wrote, as it is"),
        *(0, "as listed", ""),
    ),
)


@hookimpl
def avplug_datasets() -> tuple[DatasetSpec, ...]:
    """Return the built-in data sets."""
    return (
        DatasetSpec(
            "events",
            "avplug.builtin_datasets.events.dataset:Events",
            "Rendered things that make the sound they would make; nothing to download",
            classes=12,
            size="6000 train, 600 val, 600 test clips of 3 s",
            needs_root=False,
        ),
        DatasetSpec(
            "avdigits",
            "avplug.builtin_datasets.avdigits.dataset:AVDigits",
            "Spoken digits (FSDD) with handwritten ones (MNIST test images)",
            license="CC-BY-SA-4.0",
            classes=10,
            size="7200 train, 300 val, 300 test clips of about 0.5 s",
        ),
        DatasetSpec(
            "folder",
            "avplug.builtin_datasets.folder.dataset:Folder",
            "Your own clips: clips.csv (file,label), or the json of AVRobustBench",
            size="as listed",
        ),
        DatasetSpec(
            "audioset",
            "avplug.builtin_datasets.published.audioset:AudioSet",
            "Sounds of all kinds with their videos; several labels for a clip",
            paper="10.1109/ICASSP.2017.7952261",
            license="CC-BY-4.0",
            classes=527,
            size="20371 eval clips of 10 s; AudioSet-2C has 16742 of them",
            page="https://research.google.com/audioset/download.html",
        ),
        DatasetSpec(
            "vggsound",
            "avplug.builtin_datasets.published.vggsound:VGGSound",
            "Things that are seen while they sound",
            paper="arXiv:2004.14368",
            license="CC-BY-4.0",
            classes=309,
            size="15446 test clips of 10 s; VGGSound-2C has 14046 of them",
            page="https://www.robots.ox.ac.uk/~vgg/data/vggsound/",
        ),
        DatasetSpec(
            "kinetics-sounds",
            "avplug.builtin_datasets.published.kinetics:KineticsSounds",
            "Actions that are heard, the 32 classes of Kinetics-2C",
            license="CC-BY-4.0",
            classes=32,
            size="3111 clips of 10 s in Kinetics-2C",
            page="https://github.com/cvdfoundation/kinetics-dataset",
        ),
        DatasetSpec(
            "kinetics-sounds-27",
            "avplug.builtin_datasets.published.kinetics:KineticsSounds27",
            "Actions that are heard, the 27 classes of the CVPR'21 attacks",
            license="CC-BY-4.0",
            classes=27,
            size="9309 train, 3103 val, 3104 test clips of 10 s",
            page="https://github.com/YapengTian/AV-Robustness-CVPR21",
        ),
        DatasetSpec(
            "kinetics50",
            "avplug.builtin_datasets.published.kinetics:Kinetics50",
            "The 50 classes of Kinetics that READ corrupted",
            license="CC-BY-4.0",
            classes=50,
            size="2466 test clips of 10 s",
            page="https://github.com/XLearning-SCU/2024-ICLR-READ",
        ),
        DatasetSpec(
            "epic-kitchens",
            "avplug.builtin_datasets.published.epic:EpicKitchens",
            "Actions in kitchens, a verb and a noun each: segments of long videos",
            paper="arXiv:2006.13256",
            license="CC-BY-NC-4.0",
            classes=397,
            size="9668 segments of 138 videos (validation)",
            page="https://github.com/epic-kitchens/epic-kitchens-100-annotations",
        ),
        DatasetSpec(
            "ave",
            "avplug.builtin_datasets.published.ave:AVE",
            "Events that are seen and heard",
            paper="arXiv:1803.08842",
            classes=28,
            size="3339 train, 402 val, 402 test clips of 10 s",
            page="https://github.com/YapengTian/AVE-ECCV18",
        ),
        DatasetSpec(
            "mit-music",
            "avplug.builtin_datasets.published.music:MITMusic",
            "Solos on 11 instruments, in the lists of the CVPR'21 attacks",
            paper="arXiv:1804.03160",
            classes=11,
            size="312 train, 104 val, 104 test videos of minutes",
            page="https://github.com/YapengTian/AV-Robustness-CVPR21",
        ),
        *(
            DatasetSpec(
                name,
                f"avplug.builtin_datasets.premade.dataset:{target}",
                summary,
                paper="arXiv:2506.00358",
                classes=classes,
                size=size,
                page=page,
            )
            for name, target, summary, classes, size, page in _PREMADE
        ),
    )
