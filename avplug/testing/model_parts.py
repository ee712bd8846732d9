"""Checks of a model: what can be asked of its parts, where it offers them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch

from avplug.core.batch import Batch
from avplug.core.components import ModelSpec
from avplug.core.errors import CapabilityError
from avplug.core.model import (
    ClassifiesEachSense,
    Embeds,
    FusesFeatures,
    Localises,
    Model,
    PerSense,
    ShowsJointAttention,
    ShowsTime,
)
from avplug.testing.checks import NotApplicable, Subject, left_to, promise, require
from avplug.testing.model_claims import encode_then_fuse, protocols
from avplug.testing.models import batch_for, batch_invariance, made

_SENSES = ("audio", "video")


def _offered(subject: Subject, capability: str) -> Model:
    spec = subject.spec
    assert isinstance(spec, ModelSpec)
    if capability not in spec.capabilities:
        raise NotApplicable(f"it does not claim {capability}")
    return made(subject)


def _close(one: torch.Tensor, two: torch.Tensor, what: str) -> None:
    gap, scale = float((one - two).abs().max()), max(1.0, float(one.abs().max()))
    require(
        gap <= 1e-3 * scale, f"{what}: of up to {scale:.3g}, they differ by {gap:.3g}"
    )


def _require_rows(value: torch.Tensor, shape: tuple[int, ...], what: str) -> None:
    """Require a finite tensor of a shape, in which -1 stands for any size."""
    fits = value.ndim == len(shape) and all(
        wanted in (-1, size) for wanted, size in zip(shape, value.shape, strict=True)
    )
    require(fits, f"{what} is {list(value.shape)}; {list(shape)} is needed")
    require(value.isfinite().all(), f"{what} is not finite")


def _blind_to_the_other(
    model: Any, source: Batch, seed: int, function: Any, what: str
) -> None:
    """Require that what is said of a sense does not depend on the other one."""
    other = batch_for(model, seed + 1)
    parts: PerSense = function(model.encode(source))
    for sense, changed in (
        ("audio", replace(source, frames=other.frames)),
        ("video", replace(source, waveform=other.waveform)),
    ):
        again = getattr(function(model.encode(changed)), sense)
        place = f"{what} of the {sense} alone move with the other sense"
        _close(getattr(parts, sense), again, place)


@promise("model")
def one_sense_alone(subject: Subject) -> None:
    """Where it claims ``unimodal``, each sense has logits and features of its own."""
    model = _offered(subject, "unimodal")
    with (
        left_to(subject, protocols, encode_then_fuse, batch_invariance),
        torch.no_grad(),
    ):
        assert isinstance(model, ClassifiesEachSense)
        source = batch_for(model, subject.seed)
        tokens = model.encode(source)
        said, features = model.unimodal(tokens), model.features(tokens)
        for sense in _SENSES:
            rows = len(source), len(model.labels)
            _require_rows(getattr(said, sense), rows, f"unimodal().{sense}")
            vectors = getattr(features, sense)
            _require_rows(vectors, (len(source), -1), f"features().{sense}")
        seed = subject.seed
        _blind_to_the_other(model, source, seed, model.unimodal, "logits")
        _blind_to_the_other(model, source, seed, model.features, "features")


@promise("model")
def late_fusion(subject: Subject) -> None:
    """Where it claims ``late-fusion``, one vector of each sense makes the answer."""
    model = _offered(subject, "late-fusion")
    with (
        left_to(subject, protocols, encode_then_fuse, one_sense_alone),
        torch.no_grad(),
    ):
        assert isinstance(model, FusesFeatures)
        source = batch_for(model, subject.seed)
        tokens = model.encode(replace(source, frames=source.frames[:, :1]))
        features = model.features(tokens)
        for sense in _SENSES:
            shape = len(source), model.feature_width
            _require_rows(getattr(features, sense), shape, f"features().{sense}")
        one, two = model.fuse(tokens), model.fuse_features(features)
        _close(one, two, "fuse(tokens) and fuse_features(features(tokens)) of a frame")


@promise("model")
def moments(subject: Subject) -> None:
    """Where it claims ``time``, it shows features over time, [B, moments, D]."""
    model = _offered(subject, "time")
    with left_to(subject, protocols, encode_then_fuse), torch.no_grad():
        assert isinstance(model, ShowsTime)
        source = batch_for(model, subject.seed)
        found = model.sequences(model.encode(source))
        for sense in _SENSES:
            shape = len(source), -1, -1
            _require_rows(getattr(found, sense), shape, f"sequences().{sense}")


@promise("model")
def localisation(subject: Subject) -> None:
    """Where it claims ``localise``, weights over each frame's places sum to one."""
    model = _offered(subject, "localise")
    with left_to(subject, protocols, encode_then_fuse), torch.no_grad():
        assert isinstance(model, Localises)
        if not model.localises:
            raise NotApplicable("a network of this configuration does not localise")
        source = batch_for(model, subject.seed)
        weights = model.localisation(model.encode(source))
        shape = len(source), source.frames.shape[1], -1, -1
        _require_rows(weights, shape, "localisation()")
        sums = weights.sum((2, 3))
        low, high = float(sums.min()), float(sums.max())
        require(
            max(1 - low, high - 1) < 1e-3,
            f"weights of a frame sum to between {low:.4g} and {high:.4g}",
        )


@promise("model")
def embeddings(subject: Subject) -> None:
    """Where it embeds, each sense has a vector of its own, both in one space."""
    model = made(subject)
    if not isinstance(model, Embeds) or not model.embeds:
        raise NotApplicable("it has no vectors of both senses in one space")
    with left_to(subject, encode_then_fuse, batch_invariance), torch.no_grad():
        source = batch_for(model, subject.seed)
        found = model.embed(model.encode(source))
        for sense in _SENSES:
            shape = len(source), found.audio.shape[-1]
            _require_rows(getattr(found, sense), shape, f"embed().{sense}")
        _blind_to_the_other(model, source, subject.seed, model.embed, "vectors")


@promise("model")
def joint_attention(subject: Subject) -> None:
    """Where its joint attention can be looked at, its logits are the answer's."""
    model = made(subject)
    if not isinstance(model, ShowsJointAttention):
        raise NotApplicable("its joint attention cannot be looked at")
    source = batch_for(model, subject.seed)
    try:
        with torch.no_grad():
            tokens = model.encode(source)
            shown, answer = model.joint_attention(tokens), model.fuse(tokens)
    except CapabilityError as lack:
        raise NotApplicable(str(lack)) from lack
    with left_to(subject, encode_then_fuse):
        _close(answer, shown.logits, "logits of fuse() and of joint_attention()")
        count = shown.scores.shape[-1]
        _require_rows(shown.scores, (len(source), -1, count, count), "scores")
        heard = shown.audio_tokens
        require(0 < heard < count, f"{heard} of {count} tokens are the sound's")
