"""The models that come with avplug, named without importing them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from avplug.builtin_models import published
from avplug.core.components import ModelSpec
from avplug.core.hookspecs import hookimpl
from avplug.core.weight_specs import WeightSpec

#: Small enough to train on two CPU cores in minutes, and to be stored with the code.
_TINY: dict[str, Any] = {
    "image_size": 96,
    "target_length": 256,
    "width": 64,
    "depth": 2,
    "heads": 4,
}

_UAVM_TINY: dict[str, Any] = {
    "image_size": 64,
    "target_length": 256,
    "conv_depths": (1, 1, 1, 1),
    "conv_widths": (16, 32, 48, 64),
    "steps": 8,
    "depth": 1,
    "shared_depth": 1,
}

_CVPR21_TINY: dict[str, Any] = {
    "image_size": 96,
    "samples": 33_075,
    "seconds": 3.0,
    "sound_widths": (16, 32, 64, 128),
    "frame_width": 16,
    "frame_depths": (1, 1, 1, 1),
}

_CLIP_TINY: dict[str, Any] = {
    "image_size": 64,
    "patch_size": 16,
    "width": 32,
    "depth": 2,
    "heads": 2,
    "text_width": 32,
    "text_depth": 2,
    "text_heads": 2,
    "output": 32,
}

_AUDIOCLIP_TINY: dict[str, Any] = {
    "image_size": 64,
    "visual_width": 16,
    "visual_depths": (1, 1, 1, 1),
    "audio_width": 16,
    "audio_depths": (1, 1, 1, 1),
    "text_width": 32,
    "text_depth": 2,
    "text_heads": 2,
    "output": 32,
}

_WAV2CLIP_TINY: dict[str, Any] = {
    **_CLIP_TINY,
    "audio_width": 8,
    "audio_depths": (1, 1, 1, 1),
}

_IMAGEBIND_TINY: dict[str, Any] = {
    "vision_width": 96,
    "vision_depth": 2,
    "vision_heads": 4,
    "audio_width": 64,
    "audio_depth": 2,
    "audio_heads": 4,
    "text_width": 64,
    "text_depth": 2,
    "text_heads": 4,
    "output": 64,
}

_EVENTS_SHA256 = "cecaa197dee4ce0fde1aef5b1a90857ffad9cdbffbeecd452b0c7fb92aec5a44"


@hookimpl
def avplug_models() -> Iterable[ModelSpec]:
    """Return the built-in models."""
    return (
        ModelSpec(
            "cav-mae",
            "avplug.builtin_models.cavmae:CAVMAE",
            "CAV-MAE, fine-tuned: two encoders and a joint block",
            paper="arXiv:2210.07839",
            capabilities=(
                "norm",
                "norm_early",
                "norm_unimodal",
                "fusion_attention",
                "classifier",
                "gradient",
                "encode",
                "unimodal",
            ),
            variants={"base": {}, "tiny": _TINY},
            weights=(
                WeightSpec(
                    "events",
                    "events",
                    "avplug:builtin_models/weights/cav-mae-tiny-events.safetensors",
                    variant="tiny",
                    claim="99.8 % top-1 on the 600 test clips of events",
                    sha256=_EVENTS_SHA256,
                    classes=12,
                    outputs="softmax",
                    license="Apache-2.0",
                ),
                *published.CAV_MAE,
            ),
        ),
        ModelSpec(
            "equiav",
            "avplug.builtin_models.equiav:EquiAV",
            "EquiAV, fine-tuned: two encoders that meet in the last layer",
            paper="arXiv:2403.09502",
            capabilities=(
                "norm",
                "norm_early",
                "classifier",
                "gradient",
                "encode",
                "unimodal",
            ),
            variants={
                "base": {},
                "audioset": {"audio_mean": -4.346, "audio_std": 4.332},
                "tiny": {**_TINY, "projection": 32},
            },
            weights=published.EQUIAV,
        ),
        ModelSpec(
            "uavm",
            "avplug.builtin_models.uavm:UAVM",
            "UAVM: one transformer for the ConvNeXt features of either sense",
            paper="arXiv:2208.00061",
            capabilities=(
                "norm",
                "norm_early",
                "classifier",
                "gradient",
                "encode",
                "unimodal",
            ),
            variants={
                "base": {},
                "independent": {"depth": 6, "shared_depth": 0},
                "separate": {"fusion": "separate"},
                "cross-attention": {"fusion": "cross-attention"},
                "tiny": _UAVM_TINY,
            },
            weights=published.UAVM,
        ),
        ModelSpec(
            "cvpr21",
            "avplug.builtin_models.cvpr21:CVPR21",
            "The fusion network of CVPR'21: sound and picture convolved, five fusions",
            paper="arXiv:2104.02000",
            capabilities=(
                "norm",
                "classifier",
                "gradient",
                "encode",
                "unimodal",
                "time",
                "late-fusion",
                "localise",
            ),
            variants={"base": {}, "tiny": _CVPR21_TINY},
        ),
        ModelSpec(
            "clip",
            "avplug.builtin_models.clip:CLIP",
            "CLIP ViT-B/32, zero-shot: a control that sees and does not hear",
            paper="arXiv:2103.00020",
            requires=("tokenizers",),
            capabilities=("norm", "gradient", "encode"),
            variants={"base": {}, "tiny": _CLIP_TINY},
            weights=published.CLIP,
            modalities="v",
        ),
        ModelSpec(
            "audioclip",
            "avplug.builtin_models.audioclip:AudioCLIP",
            "AudioCLIP, zero-shot: CLIP's ResNet-50 and a wavelet ResNeXt that hears",
            paper="arXiv:2106.13043",
            requires=("tokenizers",),
            capabilities=("norm", "gradient", "encode", "unimodal"),
            variants={"base": {}, "tiny": _AUDIOCLIP_TINY},
            weights=published.AUDIOCLIP,
        ),
        ModelSpec(
            "wav2clip",
            "avplug.builtin_models.wav2clip:Wav2CLIP",
            "Wav2CLIP, zero-shot: CLIP ViT-B/32 and a ResNet18 that hears",
            paper="arXiv:2110.11499",
            requires=("tokenizers",),
            capabilities=("norm", "gradient", "encode", "unimodal"),
            variants={"base": {}, "tiny": _WAV2CLIP_TINY},
            weights=published.WAV2CLIP,
        ),
        ModelSpec(
            "imagebind",
            "avplug.builtin_models.imagebind:ImageBind",
            "ImageBind, zero-shot: sound, picture and text in one space",
            paper="arXiv:2305.05665",
            license="CC-BY-NC-SA-4.0",
            requires=("tokenizers",),
            capabilities=("norm", "gradient", "encode", "unimodal"),
            variants={"huge": {}, "tiny": _IMAGEBIND_TINY},
            weights=published.IMAGEBIND,
        ),
    )
