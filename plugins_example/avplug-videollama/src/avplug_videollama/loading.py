"""From a folder, or an id of the Hugging Face hub, to a network and its tokeniser."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import torch
from transformers import (
    AutoConfig,
    AutoTokenizer,
    Qwen2_5OmniThinkerForConditionalGeneration as Thinker,
)

from avplug import UsageError
from avplug.core.errors import WeightsError
from avplug_videollama.tiny import make_network, make_tokenizer

#: Of ``config.json``: the whole model, and its part that answers in text.
KINDS = ("qwen2_5_omni", "qwen2_5_omni_thinker")

_REPOSITORY = re.compile(r"(?P<name>[\w.-]+/[\w.-]+)(@(?P<revision>[\w./-]+))?")


def load(weights: str, dtype: str, device_map: str) -> tuple[Any, Any]:
    """Return a network in eval mode, its parameters frozen, and its tokeniser.

    No code of a checkpoint is run: only safetensors are read.

    Args:
        weights: A folder as ``save_pretrained`` writes it; an id ``OWNER/REPO`` that
            is in the hub's cache already; ``hf:OWNER/REPO[@REVISION]``, which may be
            downloaded; or ``random``, a tiny network for tests.
        dtype: Of the parameters; ``auto`` for the checkpoint's own.
        device_map: As transformers takes it; "" for none.

    Raises:
        WeightsError: There is no such checkpoint, it is of another model or lacks
            tensors, or it does not fit into memory.
    """
    if weights == "random":
        network, tokenizer = make_network(), make_tokenizer()
        if dtype != "auto":
            network = network.to(getattr(torch, dtype))
    else:
        network, tokenizer = _pretrained(weights, dtype, device_map)
    return network.eval().requires_grad_(False), tokenizer


def _pretrained(weights: str, dtype: str, device_map: str) -> tuple[Any, Any]:
    name, source = _source(weights)
    try:
        kind = AutoConfig.from_pretrained(name, **source).model_type
        if kind not in KINDS:
            raise WeightsError(
                f"'{weights}' is a checkpoint of '{kind}', not of Qwen2.5-Omni.",
                f"Kinds that can be read: {', '.join(KINDS)}.",
            )
        tokenizer = AutoTokenizer.from_pretrained(name, **source)
        network, report = Thinker.from_pretrained(
            name,
            dtype="auto" if dtype == "auto" else getattr(torch, dtype),
            use_safetensors=True,
            output_loading_info=True,
            **({"device_map": device_map} if device_map else {}),
            **source,
        )
    except (OSError, ValueError) as error:
        raise WeightsError(
            f"'{weights}' cannot be loaded: {str(error).strip().splitlines()[0]}",
            f"Fetch it with --weights hf:{name}."
            if source["local_files_only"]
            else "Look at the id, the network and HF_HUB_OFFLINE.",
        ) from error
    except ImportError as error:
        raise UsageError(
            "A device map needs accelerate.",
            "Install it: pip install 'avplug-videollama[device-map]'",
        ) from error
    if missing := sorted(report["missing_keys"]):
        raise WeightsError(
            f"'{weights}' lacks {len(missing)} tensors, such as '{missing[0]}'.",
            "It is damaged, or of another version of the model.",
        )
    if any(parameter.is_meta for parameter in network.parameters()):
        raise WeightsError(
            f"'{weights}' does not fit into memory on '{device_map}'.",
            "Take a smaller number format (dtype=bfloat16), a smaller model, or more"
            " devices.",
        )
    return network, tokenizer


def _source(weights: str) -> tuple[str, dict[str, Any]]:
    """Return what ``from_pretrained`` calls a name, and where it may look for it."""
    remote = weights.startswith("hf:")
    folder = Path(weights).expanduser()
    source: dict[str, Any] = {
        "trust_remote_code": False,
        "local_files_only": not remote,
    }
    if folder.is_dir() and not remote:
        return str(folder), source
    found = _REPOSITORY.fullmatch(weights.removeprefix("hf:"))
    if found is None:
        raise WeightsError(
            f"There is no folder '{weights}'.",
            "Give a folder, OWNER/REPO from the hub's cache, or hf:OWNER/REPO.",
        )
    if found["revision"]:
        source["revision"] = found["revision"]
    return found["name"], source
