"""The adaptation methods that come with avplug, named without importing them."""

from __future__ import annotations

from collections.abc import Iterable

from avplug.core.components import AdaptationSpec
from avplug.core.hookspecs import hookimpl


@hookimpl
def avplug_adaptations() -> Iterable[AdaptationSpec]:
    """Return the built-in test-time adaptation methods."""
    return (
        AdaptationSpec(
            "source",
            "avplug.builtin_tta.source:Source",
            "No adaptation: the model as it was trained",
            stateful=False,
            tasks=("single-label", "multi-label", "multi-task"),
        ),
        AdaptationSpec(
            "tent",
            "avplug.builtin_tta.tent:Tent",
            "TENT: entropy minimisation on the normalisation layers",
            paper="arXiv:2006.10726",
            needs=("norm", "gradient"),
        ),
        AdaptationSpec(
            "eta",
            "avplug.builtin_tta.eata:ETA",
            "ETA: weighted entropy of reliable, diverse clips on the normalisation",
            paper="arXiv:2204.02610",
            needs=("norm", "gradient"),
        ),
        AdaptationSpec(
            "eata",
            "avplug.builtin_tta.eata:EATA",
            "EATA: ETA, pulled back where clean clips say that weights matter",
            paper="arXiv:2204.02610",
            needs=("norm", "gradient", "source-data"),
        ),
        AdaptationSpec(
            "sar",
            "avplug.builtin_tta.sar:SAR",
            "SAR: entropy of reliable clips, where it is flat; recovers from collapse",
            paper="arXiv:2302.12400",
            needs=("norm_early", "gradient"),
        ),
        AdaptationSpec(
            "rpl",
            "avplug.builtin_tta.rpl:RPL",
            "RPL: robust self-labelling on the normalisation layers",
            paper="arXiv:2104.12928",
            needs=("norm", "gradient"),
        ),
        AdaptationSpec(
            "read",
            "avplug.builtin_tta.read:READ",
            "READ: confident, balanced answers by the joint attention",
            paper="https://openreview.net/forum?id=TPZRq4FALB",
            needs=("fusion_attention", "encode"),
        ),
        AdaptationSpec(
            "sumi",
            "avplug.builtin_tta.sumi:SuMi",
            "SuMi: smooth, reliable clips; both senses brought into line",
            paper="arXiv:2503.02616",
            needs=("norm", "norm_unimodal", "unimodal", "gradient"),
        ),
        AdaptationSpec(
            "av2c",
            "avplug.builtin_tta.av2c:AV2C",
            "AV2C: weighted entropy of reliable, diverse clips on the joint attention",
            paper="arXiv:2506.00358",
            needs=("fusion_attention", "encode"),
        ),
        AdaptationSpec(
            "pta",
            "avplug.builtin_tta.pta:PTA",
            "PTA: rare answers sharpened, common ones flattened, attention aligned",
            paper="https://github.com/MPI-Lab/PTA",
            needs=("fusion_attention", "encode"),
        ),
        AdaptationSpec(
            "abpem",
            "avplug.builtin_tta.abpem:ABPEM",
            "ABPEM: entropy of the likeliest classes, attention across the senses",
            paper="arXiv:2503.02221",
            needs=("fusion_attention", "encode"),
        ),
        AdaptationSpec(
            "rdumb",
            "avplug.builtin_tta.rdumb:RDumb",
            "RDumb: another method (eta), started again every 1000 batches",
            paper="arXiv:2306.05401",
        ),
        AdaptationSpec(
            "asr",
            "avplug.builtin_tta.asr:ASR",
            "ASR: another method (tent), reset in part when its answers collapse",
            paper="https://github.com/YonseiML/asr",
        ),
        AdaptationSpec(
            "fine-tune",
            "avplug.builtin_tta.fine_tune:FineTune",
            "Supervised fine-tuning on the labelled clips of protocol few-shot",
            needs=("labels", "gradient"),
            tasks=("single-label", "multi-label"),
        ),
    )
