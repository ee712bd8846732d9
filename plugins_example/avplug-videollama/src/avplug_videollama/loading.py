"""From a checkpoint to a network and its tokeniser."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from transformers import (
    AutoTokenizer,
    Qwen2_5OmniThinkerForConditionalGeneration as Thinker,
    VideoLlama3ForConditionalGeneration as Llama3,
)

from avplug import UsageError
from avplug.core.errors import MissingExtraError, WeightsError
from avplug_videollama.hub import folder_of
from avplug_videollama.omni import Omni
from avplug_videollama.reader import Reader
from avplug_videollama.tiny import VIDEO, make_omni, make_tokenizer, make_videollama3
from avplug_videollama.videollama3 import VideoLlama3

#: By the kind in ``config.json``; of Qwen2.5-Omni the whole model, or the part that
#: answers in text.
KINDS: dict[str, tuple[Any, type[Reader]]] = {
    "qwen2_5_omni": (Thinker, Omni),
    "qwen2_5_omni_thinker": (Thinker, Omni),
    "video_llama_3": (Llama3, VideoLlama3),
}
#: Tiny networks for tests, by what stands for weights.
RANDOM = {
    "random": (make_omni, make_tokenizer, Omni),
    "random-videollama3": (
        make_videollama3,
        lambda: make_tokenizer(VIDEO),
        VideoLlama3,
    ),
}

#: Device maps that are no device's name.
_SPREAD = ("auto", "balanced", "balanced_low_0", "sequential")


def load(weights: str, dtype: str, device_map: str) -> tuple[Any, Any, type[Reader]]:
    """Return a network, its tokeniser, and the class of its reader.

    The network is in eval mode, and its parameters are frozen.

    No code of a checkpoint is run: only safetensors are read.

    Args:
        weights: A folder as ``save_pretrained`` writes it; an id ``OWNER/REPO`` that
            is in the hub's cache already; ``hf:OWNER/REPO[@REVISION]``, which may be
            downloaded; or one of :data:`RANDOM`.
        dtype: Of the parameters; ``auto`` for the checkpoint's own.
        device_map: As transformers takes it; "" for none.

    Raises:
        UsageError: There is no such device.
        WeightsError: There is no such checkpoint, it is of another model, damaged or
            lacks tensors, or it does not fit into memory.
    """
    if device_map:
        _check_device_map(device_map)
    if weights in RANDOM:
        make, tokens, reader = RANDOM[weights]
        network, tokenizer = make(), tokens()
        if dtype != "auto":
            network = network.to(getattr(torch, dtype))
    else:
        folder = folder_of(weights)
        kind, reader = KINDS[_kind(weights, folder)]
        tokenizer = _tokenizer(weights, folder)
        network = _network(kind, weights, folder, dtype, device_map)
    return network.eval().requires_grad_(False), tokenizer, reader


def _check_device_map(name: str) -> None:
    if importlib.util.find_spec("accelerate") is None:
        raise MissingExtraError(
            "A device map needs accelerate.",
            "Install it: pip install 'avplug-videollama[device-map]'",
        )
    if name in _SPREAD:
        return
    try:
        torch.empty(0, device=name)
    # A build without a kind of device asserts that it has it.
    except (RuntimeError, AssertionError) as error:
        raise UsageError(
            f"device_map '{name}' is no device of this machine.",
            f"Possible: {', '.join(_SPREAD)}, or a device such as cuda:0.",
        ) from error


def _kind(weights: str, folder: Path) -> str:
    try:
        kind = json.loads((folder / "config.json").read_text("utf-8"))["model_type"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise WeightsError(
            f"'{weights}' has no config.json that names a kind of model.",
            "Give a folder as save_pretrained writes it; fetch a damaged one again.",
        ) from error
    if kind not in KINDS:
        raise WeightsError(
            f"'{weights}' is a checkpoint of '{kind}', which is not read here.",
            f"Kinds that can be read: {', '.join(KINDS)}.",
        )
    return str(kind)


def _tokenizer(weights: str, folder: Path) -> Any:
    try:
        return AutoTokenizer.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError) as error:
        raise WeightsError(
            f"'{weights}' has no tokeniser that can be read.",
            "Put tokenizer.json, or vocab.json and merges.txt, beside its weights.",
        ) from error


def _network(kind: Any, weights: str, folder: Path, dtype: str, device_map: str) -> Any:
    try:
        network, report = kind.from_pretrained(
            folder,
            dtype="auto" if dtype == "auto" else getattr(torch, dtype),
            use_safetensors=True,
            output_loading_info=True,
            # They are told below, in one line.
            ignore_mismatched_sizes=True,
            local_files_only=True,
            **({"device_map": device_map} if device_map else {}),
        )
    except SafetensorError as error:
        raise WeightsError(
            f"'{weights}' has a damaged file of weights: {error}.",
            "Fetch it again; a file of some lines is a pointer of Git LFS.",
        ) from error
    except (OSError, ValueError) as error:
        said = str(error).strip().splitlines()[0]
        raise WeightsError(
            f"'{weights}' cannot be loaded: {said}",
            "It needs model.safetensors, or all files of model.safetensors.index.json.",
        ) from error
    others = [name for name, *_ in report["mismatched_keys"]]
    for what, names in (
        ("lacks", sorted(report["missing_keys"])),
        ("has other sizes of", sorted(others)),
    ):
        if names:
            raise WeightsError(
                f"'{weights}' {what} {len(names)} tensors, such as '{names[0]}'.",
                "It is damaged, or of another version of the model.",
            )
    if any(parameter.is_meta for parameter in network.parameters()):
        raise WeightsError(
            f"'{weights}' does not fit into memory on '{device_map}'.",
            "Take a smaller number format (dtype=bfloat16), a smaller model, or more"
            " devices.",
        )
    return network
