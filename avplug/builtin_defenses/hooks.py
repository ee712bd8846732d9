"""The defences that come with avplug, named without importing them."""

from __future__ import annotations

from collections.abc import Iterable

from avplug.core.components import DefenseSpec
from avplug.core.hookspecs import hookimpl

_CVPR21 = "arXiv:2104.02000"


def _spec(
    name: str, target: str, summary: str, paper: str, needs: tuple[str, ...] = ()
) -> DefenseSpec:
    return DefenseSpec(
        name, f"avplug.builtin_defenses.{target}", summary, paper=paper, needs=needs
    )


@hookimpl
def avplug_defenses() -> Iterable[DefenseSpec]:
    """Return the built-in defences."""
    features = ("encode", "unimodal")
    return (
        _spec(
            "minsim",
            "similarity:MinSim",
            "Training that sets the senses' features apart",
            _CVPR21,
            features,
        ),
        _spec(
            "maxsim",
            "similarity:MaxSim",
            "Training that makes the senses' features alike",
            _CVPR21,
            features,
        ),
        _spec(
            "exfmem",
            "memory:ExFMem",
            "Features rebuilt from an external memory of clean ones",
            _CVPR21,
            (*features, "late-fusion"),
        ),
        _spec(
            "pcl",
            "prototypes:PCL",
            "Training that draws features to prototypes of their class",
            "arXiv:1904.00887",
            features,
        ),
        _spec(
            "adversarial",
            "adversarial:AdversarialTraining",
            "Training on attacked clips",
            "arXiv:1706.06083",
            ("gradient",),
        ),
        _spec(
            "efficient",
            "efficient:EfficientTraining",
            "Adversarial training with sampled crafting and a curriculum",
            "arXiv:2502.11858",
            ("gradient",),
        ),
    )
