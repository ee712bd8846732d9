"""Weights that the models' authors published: where, of what, under which licence.

Addresses are those of the authors' READMEs, accuracies are as stated there; none was
measured by avplug. ``hooks.py`` imports this module, so that it holds data only.
"""

from __future__ import annotations

from typing import Any

from avplug.core.weight_specs import FileSpec, WeightSpec

_CAV_MAE_PAGE = "https://github.com/YuanGongND/cav-mae#pretrained-models"
_UAVM_PAGE = "https://github.com/YuanGongND/uavm#pretrained-models"
_AUDIOCLIP_RELEASE = "https://github.com/AndreyGuzhov/AudioCLIP/releases"
_AUDIOCLIP_FILES = f"{_AUDIOCLIP_RELEASE}/download/v0.1"

#: Merges of the byte-pair encoding that CLIP, AudioCLIP and ImageBind share.
CLIP_VOCABULARY = (
    f"{_AUDIOCLIP_FILES}/bpe_simple_vocab_16e6.txt.gz"
    "#sha256=924691ac288e54409236115652ad4aa250f48203de50a9e4722a6ecd48d6804a"
)


def _cav_mae(name: str, code: str, dataset: str = "", **facts: Any) -> WeightSpec:
    file = facts.pop("file", f"{name}.pth")
    kinds: dict[str, dict[str, Any]] = {
        "vggsound": {"classes": 309, "outputs": "softmax"},
        "audioset": {"classes": 527, "outputs": "sigmoid"},
        "": {},
    }
    return WeightSpec(
        name,
        dataset,
        f"https://www.dropbox.com/s/{code}/{file}?dl=1",
        page=_CAV_MAE_PAGE,
        license="BSD-2-Clause",
        **kinds[dataset],
        **facts,
    )


_PRE_TRAINED = "Pre-trained on AudioSet-2M without a classifier: fine-tune it first"

CAV_MAE = (
    _cav_mae(
        "vgg_65.5",
        "f4wrbxv2unewss9",
        "vggsound",
        claim="65.5 % top-1 on VGGSound, ten frames",
        notes="What READ, SuMi and AVRobustBench start from",
    ),
    _cav_mae(
        "vgg_66.0",
        "q66s3mu526mj2x6",
        "vggsound",
        claim="65.9 % top-1 on VGGSound, ten frames",
        notes="Pre-trained on AudioSet-2M and VGGSound",
    ),
    _cav_mae(
        "vgg_59.8",
        "l4rj0sgpnt08bp2",
        "vggsound",
        claim="59.8 % top-1 on VGGSound, sound only",
        options={"mode": "audioonly"},
    ),
    _cav_mae(
        "as-full-51.2",
        "hejj49zdgyyfsuh",
        "audioset",
        claim="51.2 mAP on AudioSet, ten frames; trained on AudioSet-2M",
    ),
    _cav_mae(
        "as-20k-42.0",
        "9x6y642so3zve5y",
        "audioset",
        claim="42.0 mAP on AudioSet, ten frames; trained on AudioSet-20K",
    ),
    _cav_mae(
        "as_46.6",
        "itfw7p0ueq7z9og",
        "audioset",
        claim="46.6 mAP on AudioSet, sound only; trained on AudioSet-2M",
        options={"mode": "audioonly"},
    ),
    _cav_mae(
        "as_37.7",
        "pariabyh1iyayda",
        "audioset",
        claim="37.7 mAP on AudioSet, sound only; trained on AudioSet-20K",
        options={"mode": "audioonly"},
    ),
    _cav_mae(
        "as_20.0",
        "9ngkq9ygwqecxz5",
        "audioset",
        claim="20.0 mAP on AudioSet, picture only; trained on AudioSet-20K",
        options={"mode": "videoonly"},
    ),
    WeightSpec(
        "cav_mae_ks50",
        "kinetics50",
        page="https://drive.google.com/file/d/1m38uCAfwL--RP6rWtOvGee4i2SfAzbjl/view",
        classes=50,
        outputs="softmax",
        notes="Published by READ's authors; the page is the file's own",
    ),
    _cav_mae(
        "scale++", "l5t5geufdy3qvnv", file="audio_model.21.pth", notes=_PRE_TRAINED
    ),
    _cav_mae(
        "scale+", "xu8bfie6hz86oev", file="audio_model.25.pth", notes=_PRE_TRAINED
    ),
    _cav_mae("base", "wxrjgr86gdhc5k8", file="cav-mae-base.pth", notes=_PRE_TRAINED),
    _cav_mae(
        "base-nonorm",
        "arrg7cb3e4hhjwu",
        file="cav-mae-base-nonorm.pth",
        notes=f"{_PRE_TRAINED}; pixels not normalised, for in-painting",
    ),
)

#: ConvNeXt-B of torchvision (IMAGENET1K_V1); its name ends in its sha256's beginning.
_CONVNEXT = FileSpec(
    "https://download.pytorch.org/models/convnext_base-6075fbad.pth",
    sha256="6075fbad",
    page="https://docs.pytorch.org/vision/stable/models/convnext.html",
)
_AUDIO_CONVNEXT = {
    "vggsound": FileSpec(
        "https://www.dropbox.com/s/aduqm8m4gpjaygh/vgg_audio_feat.pth?dl=1",
        page=_UAVM_PAGE,
    ),
    "audioset": FileSpec(
        "https://www.dropbox.com/s/ld2q0bsyiwzia86/as_audio_feat.pth?dl=1",
        page=_UAVM_PAGE,
    ),
}
#: What the model hears differs; its own defaults are VGGSound's.
_UAVM_OPTIONS: dict[str, dict[str, Any]] = {
    "vggsound": {},
    "audioset": {"target_length": 1000, "audio_mean": -4.2677, "audio_std": 4.569},
}


def _uavm(name: str, dataset: str, file: str, **facts: Any) -> WeightSpec:
    return WeightSpec(
        name,
        dataset,
        parts={
            "transformer": FileSpec(
                f"https://www.dropbox.com/s/{file}.pth?dl=1", page=_UAVM_PAGE
            ),
            "audio": _AUDIO_CONVNEXT[dataset],
            "visual": _CONVNEXT,
        },
        page=_UAVM_PAGE,
        classes={"vggsound": 309, "audioset": 527}[dataset],
        outputs={"vggsound": "softmax", "audioset": "sigmoid"}[dataset],
        options=_UAVM_OPTIONS[dataset],
        license="BSD-2-Clause",
        **facts,
    )


_RUN = (
    "-bs-144-balbal-mix0.5-ls1-ld0.5-lst1-lda{lda}-e1024-se1024-h4-{depth}"
    "-asl30-vsl30-normTrue-feat2-a0.5-noiseTrue{run}"
)
_UNIFIED = _RUN.format(lda="False", depth="di3-ds3", run="-r1")
_INDEPENDENT = _RUN.format(lda="False", depth="di6-ds0", run="-r1")

UAVM = (
    _uavm(
        "vggsound",
        "vggsound",
        f"llvbyfokp4gxxwd/testfm66-vgg-unified_trans-lr5e-5{_UNIFIED}",
        claim="65.8 % top-1 on VGGSound",
    ),
    _uavm(
        "audioset",
        "audioset",
        f"1gni463q67yx47z/testfm74-full-unified_trans-lr1e-5{_UNIFIED}",
        claim="48.0 mAP on AudioSet in the log of run r3",
    ),
    _uavm(
        "vggsound-independent",
        "vggsound",
        f"exde913yrqovesp/testfm66-vgg-unified_trans-lr5e-5{_INDEPENDENT}",
        variant="independent",
    ),
    _uavm(
        "audioset-independent",
        "audioset",
        f"f690u566mgo8k2r/testfm74-full-unified_trans-lr1e-5{_INDEPENDENT}",
        variant="independent",
    ),
    _uavm(
        "vggsound-cross-attention",
        "vggsound",
        "twafscfsk3789gj/testfm75-vgg-full_att_trans-lr5e-5"
        + _RUN.format(lda="True", depth="di3-ds3", run="-r1"),
        variant="cross-attention",
    ),
    _uavm(
        "audioset-cross-attention",
        "audioset",
        "wlhul07vvcmu1y3/testfm74-full-full_att_trans-lr1e-5"
        + _RUN.format(lda="False", depth="di3-ds3", run=""),
        variant="cross-attention",
    ),
)

EQUIAV = (
    WeightSpec(
        "pre-trained",
        "",
        "https://docs.google.com/uc?export=download&id=1QCvBcu-CAXFLKqfk0G7niO2JO5kf74K6",
        page="https://github.com/JongSuk1/EquiAV",
        license="MIT",
        notes="Its authors publish no fine-tuned weights: fine-tune it first",
    ),
)

_AUDIOCLIP_CLAIM = "Zero-shot 69.40 % on ESC-50, 68.78 % on UrbanSound8K"

AUDIOCLIP = (
    WeightSpec(
        "full",
        "*",
        f"{_AUDIOCLIP_FILES}/AudioCLIP-Full-Training.pt",
        claim=_AUDIOCLIP_CLAIM,
        sha256="2441d35b353352c8b1bbfb8f7c687f46314c3d2909e940eaf763b8c17f632c44",
        size=537_302_068,
        page=_AUDIOCLIP_RELEASE,
        license="MIT",
        notes="What AVRobustBench uses; the licence is the repository's",
    ),
    WeightSpec(
        "partial",
        "*",
        f"{_AUDIOCLIP_FILES}/AudioCLIP-Partial-Training.pt",
        sha256="1921885b6c3b5de0619f2ef4a9700ecbade758a398b34eb064230c30baef0c75",
        size=537_302_068,
        page=_AUDIOCLIP_RELEASE,
        license="MIT",
        notes="Picture and text frozen: the sound matches plain CLIP RN50",
    ),
)

#: CLIP ViT-B/32 of OpenAI as safetensors; OpenAI's own file is TorchScript, which is
#: never loaded. Revision and sha256 as public runs recorded them, not checked by us.
CLIP_VIT_B32 = FileSpec(
    "hf:timm/vit_base_patch32_clip_224.openai@a6f597a30f7b82c51704746581f9a4e41421e878"
    "/open_clip_model.safetensors",
    sha256="e6d1bd7789aa45192b3bf90570a789b478bae1b74ebcce7eddd908e83a2b7c31",
    page="https://huggingface.co/timm/vit_base_patch32_clip_224.openai",
)

CLIP = (
    WeightSpec(
        "openai",
        "*",
        CLIP_VIT_B32.source,
        sha256=CLIP_VIT_B32.sha256,
        page=CLIP_VIT_B32.page,
        license="MIT",
        notes="Sees and reads; hears nothing",
    ),
)

WAV2CLIP = (
    WeightSpec(
        "vit-b-32",
        "*",
        parts={
            "audio": FileSpec(
                "https://github.com/descriptinc/lyrebird-wav2clip/releases/download/"
                "v0.1.0-alpha/Wav2CLIP.pt",
                page="https://github.com/descriptinc/lyrebird-wav2clip/releases",
            ),
            "clip": CLIP_VIT_B32,
        },
        page="https://github.com/descriptinc/lyrebird-wav2clip",
        license="MIT",
        notes="Wav2CLIP hears, CLIP ViT-B/32 sees and reads",
    ),
)

_IMAGEBIND_CLAIM = "Zero-shot 77.7 % on ImageNet-1k, 50.0 % on K400, 66.9 % on ESC"

IMAGEBIND = (
    WeightSpec(
        "huge",
        "*",
        "https://dl.fbaipublicfiles.com/imagebind/imagebind_huge.pth",
        variant="huge",
        claim=_IMAGEBIND_CLAIM,
        page="https://github.com/facebookresearch/ImageBind",
        license="CC-BY-NC-SA-4.0",
        notes="4.8 GB; for non-commercial use only",
    ),
    WeightSpec(
        "huge-safetensors",
        "*",
        "hf:nielsr/imagebind-huge@51fc1ff707903501e60bdb2f73dd4e8818eef099"
        "/model.safetensors",
        variant="huge",
        claim=_IMAGEBIND_CLAIM,
        page="https://huggingface.co/nielsr/imagebind-huge",
        license="CC-BY-NC-SA-4.0",
        notes="4.8 GB; a copy by a third party; for non-commercial use only",
    ),
)
