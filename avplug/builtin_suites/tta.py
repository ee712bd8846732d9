"""The test-time adaptation table of AVRobustBench (arXiv 2506.00358)."""

from __future__ import annotations

from typing import Any


def configuration() -> dict[str, Any]:
    """Return the keys of the configuration that the suite sets; flags win over them.

    Severity 5 and batches of 16 are the paper's; its number of seeds is not published.
    """
    return {
        "tta": ["source", "avplug/*"],
        "corruptions": ["avplug/*"],
        "severities": [5],
        "batch_size": 16,
        "seeds": [0, 1, 2],
        "forgetting": 64,
    }
