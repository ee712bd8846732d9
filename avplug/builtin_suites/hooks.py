"""The suites that come with avplug, named without importing them."""

from __future__ import annotations

from collections.abc import Iterable

from avplug.core.components import SuiteSpec
from avplug.core.hookspecs import hookimpl


@hookimpl
def avplug_suites() -> Iterable[SuiteSpec]:
    """Return the built-in suites."""
    return (
        SuiteSpec(
            "tta",
            "avplug.builtin_suites.tta:configuration",
            "Every adaptation method x 15 corruptions, severity 5, three seeds",
            paper="arXiv:2506.00358",
        ),
        SuiteSpec(
            "cvpr21",
            "avplug.builtin_suites.cvpr21:configuration",
            "FGSM, PGD and MIM on A, V and both, fusions and defences of CVPR'21",
            paper="arXiv:2104.02000",
            trainings="avplug.builtin_suites.cvpr21:trainings",
        ),
        SuiteSpec(
            "iclr25",
            "avplug.builtin_suites.iclr25:configuration",
            "Adversarial training, efficient crafting and curriculum, after ICLR'25",
            paper="arXiv:2502.11858",
            trainings="avplug.builtin_suites.iclr25:trainings",
        ),
    )
