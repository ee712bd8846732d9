"""The attacks that come with avplug, named without importing them."""

from __future__ import annotations

from collections.abc import Iterable

from avplug.core.components import AttackSpec
from avplug.core.hookspecs import hookimpl

_CVPR21 = "arXiv:2104.02000"
_ICLR25 = "arXiv:2502.11858"


def _spec(
    name: str,
    target: str,
    summary: str,
    paper: str = "",
    needs: tuple[str, ...] = ("gradient",),
) -> AttackSpec:
    return AttackSpec(
        name, f"avplug.builtin_attacks.{target}", summary, paper=paper, needs=needs
    )


@hookimpl
def avplug_attacks() -> Iterable[AttackSpec]:
    """Return the built-in attacks."""
    features = ("gradient", "encode", "unimodal")
    return (
        _spec("noise", "noise:Noise", "Noise of the size of the budget", needs=()),
        _spec("fgsm", "iterative:FGSM", "One step along the sign", "arXiv:1412.6572"),
        _spec("pgd", "iterative:PGD", "Projected gradient ascent", "arXiv:1706.06083"),
        _spec("mim", "momentum:MIM", "PGD with momentum", "arXiv:1710.06081"),
        _spec(
            "mim-cvpr21",
            "cvpr21_mim:CVPR21MIM",
            "MIM as released with CVPR'21: leaves its budget",
            _CVPR21,
        ),
        _spec("apgd", "apgd:APGD", "PGD that sets its own pace", "arXiv:2003.01690"),
        _spec(
            "square",
            "square:Square",
            "Random search in both senses, by logits alone",
            "arXiv:1912.00049",
            needs=(),
        ),
        _spec(
            "universal",
            "universal:Universal",
            "One perturbation for all clips",
            "arXiv:1610.08401",
        ),
        _spec(
            "tia",
            "temporal:TIA",
            "MIM against variation over time, after ICLR'25",
            _ICLR25,
            (*features, "time"),
        ),
        _spec(
            "mma",
            "temporal:MMA",
            "MIM against agreement of the senses, after ICLR'25",
            _ICLR25,
            features,
        ),
        _spec(
            "tma",
            "temporal:TMA",
            "TIA and MMA together, after ICLR'25",
            _ICLR25,
            (*features, "time"),
        ),
    )
