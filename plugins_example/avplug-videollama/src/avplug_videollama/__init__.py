"""An avplug plugin: language models that see and hear, asked for a clip's class."""

from __future__ import annotations

from collections.abc import Sequence

from avplug import ModelSpec, hookimpl

#: Small enough for tests: two seconds and two frames of 56 x 56.
_TINY = {"frames": 2, "image_size": 56, "seconds": 2.0}


@hookimpl
def avplug_models() -> Sequence[ModelSpec]:
    """Return the descriptor; transformers is imported when the model is used."""
    return [
        ModelSpec(
            "videollama",
            "avplug_videollama.model:VideoLlama",
            "Language model that names a class: Qwen2.5-Omni, or VideoLLaMA 3 (deaf)",
            aliases=("qwen2.5-omni",),
            paper="arXiv:2503.20215",
            requires=("transformers>=5.23,<6",),
            capabilities=("gradient",),
            variants={
                "7b": {"weights": "Qwen/Qwen2.5-Omni-7B"},
                "3b": {"weights": "Qwen/Qwen2.5-Omni-3B"},
                # VideoLLaMA 3, which hears nothing.
                "videollama3": {"weights": "lkhl/VideoLLaMA3-2B-Image-HF"},
                # Random values: for tests of the way, never for results.
                "tiny": {"weights": "random", **_TINY},
                "tiny-videollama3": {"weights": "random-videollama3", **_TINY},
            },
            reads_weights=True,
        )
    ]
