"""The papers whose numbers come with avplug."""

from __future__ import annotations

from avplug.core.components import PublishedSpec
from avplug.core.hookspecs import hookimpl


@hookimpl
def avplug_published() -> tuple[PublishedSpec, ...]:
    """Return the benchmark, its follow-ups and relatives, and both attack papers."""

    def paper(name: str, title: str, summary: str, source: str = "") -> PublishedSpec:
        target = f"avplug.builtin_published.tables:{name}"
        return PublishedSpec(name, target, summary, paper=source, title=title)

    return (
        paper(
            "avrobustbench",
            "AVRobustBench, NeurIPS 2025",
            "Six models on three data sets, adaptation, retrieval",
            "arXiv:2506.00358",
        ),
        paper(
            "avrecap",
            "AVReCAP, ECCV 2026",
            "Continual adaptation on VGGSound-2C, by corruption",
            "arXiv:2602.18528",
        ),
        paper(
            "read",
            "READ, ICLR 2024",
            "Adaptation with one sense corrupted, Kinetics50-C and VGGSound-C",
            "https://openreview.net/forum?id=TPZRq4FALB",
        ),
        paper(
            "brimpr",
            "BriMPR, AAAI 2026",
            "Adaptation with one sense or both corrupted, Kinetics50-C and VGGSound-C",
            "arXiv:2511.22862",
        ),
        paper(
            "pta",
            "PTA, NeurIPS 2025",
            "Adaptation with both senses corrupted, Kinetics50-MC",
            "https://github.com/MPI-Lab/PTA",
        ),
        paper(
            "adapgc",
            "AdaPGC, CVPR 2026",
            "Adaptation with one sense corrupted",
            "https://github.com/XuJinglinn/AdaPGC",
        ),
        paper(
            "dasp",
            "DASP, CVPR 2026",
            "Adaptation with one sense corrupted",
            "arXiv:2603.00574",
        ),
        paper("firm", "FIRM, 2026", "Adaptation without back-propagation"),
        paper(
            "cvpr21",
            "Can audio-visual integration strengthen robustness, CVPR 2021",
            "Fusions and defences under attack on MUSIC, AVE and Kinetics-Sounds",
            "arXiv:2104.02000",
        ),
        paper(
            "iclr25",
            "Temporal and modality attacks, ICLR 2025",
            "Success of attacks, and a defence, on Kinetics-Sounds",
            "arXiv:2502.11858",
        ),
    )
