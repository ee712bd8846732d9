"""A small model that offers all that a method can ask for, and batches for it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import torch
from torch import nn
from torch.nn import functional as F

from avplug.core.adaptation import Stream
from avplug.core.batch import Batch
from avplug.core.clip import InputSpec
from avplug.core.components import AdaptationSpec, AttackSpec, DefenseSpec
from avplug.core.model import JointAttention, Model, PerSense, Surface
from avplug.testing.checks import NotApplicable, Subject, require

CLASSES = 5
LABELS = tuple(f"class {index}" for index in range(CLASSES))
#: What a method may need of :class:`ToyModel`.
CAPABILITIES = (
    *("norm", "norm_early", "norm_unimodal", "fusion_attention", "classifier"),
    *("gradient", "encode", "unimodal", "time"),
)
#: What the run gives, not the model.
_GIVEN = {"source-data", "labels"}
_WIDTH, _HEADS, _HEARD, _SEEN = 16, 2, 8, 8
_SIDE, _SAMPLES = 8, 320


class ToyModel(Model):
    """Eight tokens that are heard and eight that are seen, one joint attention.

    Its weights are drawn from a fixed seed: it has never learnt anything, but its
    answers differ from clip to clip.
    """

    input = InputSpec(size=_SIDE, sample_rate=640, seconds=0.5, picks=(2, 7))
    pretrained = True

    def __init__(self, labels: tuple[str, ...] = LABELS) -> None:
        super().__init__(labels)
        self.heard = nn.Linear(_SAMPLES // _HEARD, _WIDTH)
        self.seen = nn.Linear(3 * _SIDE * _SIDE * 2 // _SEEN, _WIDTH)
        self.norm_heard, self.norm_seen = nn.LayerNorm(_WIDTH), nn.LayerNorm(_WIDTH)
        self.norm_a, self.norm_v = nn.LayerNorm(_WIDTH), nn.LayerNorm(_WIDTH)
        self.norm_joint = nn.LayerNorm(_WIDTH)
        self.qkv = nn.Linear(_WIDTH, 3 * _WIDTH)
        self.head = nn.Linear(_WIDTH, len(labels))
        self._draw()

    def _draw(self) -> None:
        generator = torch.Generator().manual_seed(3)
        with torch.no_grad():
            for name, layer in self.named_modules():
                if isinstance(layer, nn.Linear):
                    gain = 4.0 if name == "head" else 1.5
                    drawn = torch.randn(layer.weight.shape, generator=generator)
                    layer.weight.copy_(gain * drawn / layer.in_features**0.5)
                    layer.bias.zero_()

    def forward(self, frames: torch.Tensor, waveform: torch.Tensor) -> torch.Tensor:
        """Return logits [B, C]."""
        return self.fuse(self._tokens(frames, waveform))

    def encode(self, batch: Batch) -> PerSense:
        """Return the tokens of each sense, [B, 8, 16]."""
        return self._tokens(batch.frames, batch.waveform)

    def _tokens(self, frames: torch.Tensor, waveform: torch.Tensor) -> PerSense:
        # Defences may train on parts of a clip: any number of frames and samples.
        sound = F.adaptive_avg_pool1d(waveform, _SAMPLES)
        picture = frames[:, [0, -1]].flatten(1)
        heard = self.heard(3 * sound.reshape(len(sound), _HEARD, -1))
        seen = self.seen(2 * picture.reshape(len(picture), _SEEN, -1) - 1)
        return PerSense(self.norm_heard(heard), self.norm_seen(seen))

    def fuse(self, tokens: PerSense) -> torch.Tensor:
        """Return logits [B, C] of the tokens."""
        return self.joint_attention(tokens).logits

    def joint_attention(self, tokens: PerSense) -> JointAttention:
        """Return logits, and the scores of the attention over all tokens."""
        joined = torch.cat([tokens.audio, tokens.video], 1)
        return self._answer(joined, self.norm_joint)

    def _answer(self, tokens: torch.Tensor, norm: nn.LayerNorm) -> JointAttention:
        query, key, value = (
            part.reshape(*part.shape[:2], _HEADS, -1).transpose(1, 2)
            for part in self.qkv(tokens).chunk(3, -1)
        )
        scores = query @ key.transpose(-1, -2) / (_WIDTH / _HEADS) ** 0.5
        mixed = (scores.softmax(-1) @ value).transpose(1, 2).flatten(2)
        logits = self.head(norm((tokens + mixed).mean(1)))
        return JointAttention(logits, scores, _HEARD)

    def unimodal(self, tokens: PerSense, *, padded: bool = False) -> PerSense:
        """Return logits [B, C] of one sense alone; padded or not is the same."""
        return PerSense(
            self._answer(tokens.audio, self.norm_a).logits,
            self._answer(tokens.video, self.norm_v).logits,
        )

    def features(self, tokens: PerSense) -> PerSense:
        """Return the mean token of each sense, [B, 16]."""
        return PerSense(tokens.audio.mean(1), tokens.video.mean(1))

    def sequences(self, tokens: PerSense) -> PerSense:
        """Return the tokens of each sense, which follow each other in time."""
        return tokens

    def parameters_for(self, surface: Surface) -> dict[str, nn.Parameter]:
        """Return the named parameters of a surface."""
        roles: dict[Surface, tuple[str, ...]] = {
            "norm": ("norm_heard.", "norm_seen.", "norm_joint."),
            "norm_early": ("norm_heard.", "norm_seen."),
            "norm_unimodal": ("norm_a.", "norm_v."),
            "fusion_attention": ("qkv.",),
            "classifier": ("head.",),
        }
        return {
            name: parameter
            for name, parameter in self.named_parameters()
            if name.startswith(roles[surface])
        }


class LateFusion(ToyModel):
    """The toy whose answer follows from one vector of each sense."""

    @property
    def feature_width(self) -> int:
        """Width of each sense's features."""
        return _WIDTH

    def fuse(self, tokens: PerSense) -> torch.Tensor:
        """Return logits [B, C] of the tokens."""
        return self.fuse_features(self.features(tokens))

    def fuse_features(self, features: PerSense) -> torch.Tensor:
        """Return logits [B, C] of one vector [B, 16] of each sense."""
        logits: torch.Tensor = self.head(
            self.norm_joint(features.audio + features.video)
        )
        return logits


def toy_for(needs: Iterable[str]) -> ToyModel:
    """Return the toy, in eval mode, that has what a method needs of a model.

    Raises:
        NotApplicable: Neither has.
    """
    lacking = set(needs) - set(CAPABILITIES)
    if lacking - {"late-fusion"}:
        raise NotApplicable(f"the toy model lacks {', '.join(sorted(lacking))}")
    late = lacking and "fusion_attention" not in needs
    if lacking and not late:
        raise NotApplicable("no toy has late-fusion and fusion_attention")
    toy = LateFusion() if late else ToyModel()
    return toy.eval()


def toy(subject: Subject) -> ToyModel:
    """Return a new toy model, in eval mode, that has what the component needs.

    Raises:
        NotApplicable: There is none.
    """
    spec = subject.spec
    assert isinstance(spec, AdaptationSpec | AttackSpec | DefenseSpec)
    return toy_for(set(spec.needs) - _GIVEN)


class BareModel(Model):
    """A model that offers nothing but its answers."""

    input = ToyModel.input

    def __init__(self, labels: tuple[str, ...] = LABELS) -> None:
        super().__init__(labels)
        self.inner = ToyModel(labels)

    def forward(self, frames: torch.Tensor, waveform: torch.Tensor) -> torch.Tensor:
        """Return logits [B, C]."""
        logits: torch.Tensor = self.inner(frames, waveform)
        return logits


def batch(seed: int, size: int = 6) -> Batch:
    """Return clips for :class:`ToyModel`; the last one is shorter than the others."""
    generator = torch.Generator().manual_seed(1000 + seed)
    frames = torch.rand(size, 2, 3, _SIDE, _SIDE, generator=generator)
    waveform = 0.3 * torch.randn(size, _SAMPLES, generator=generator)
    lengths = torch.full((size,), _SAMPLES)
    lengths[-1] = _SAMPLES * 3 // 4
    waveform[-1, lengths[-1] :] = 0
    return Batch(frames, waveform.clamp(-1, 1), lengths)


def truth(size: int) -> torch.Tensor:
    """Return classes of the clips of :func:`batch`, int64 [size]: one after another."""
    return torch.arange(size) % CLASSES


def stream(seed: int, count: int = 4, size: int = 6) -> list[Batch]:
    """Return the batches of a stream."""
    return [batch(10 * seed + place, size) for place in range(count)]


def what_comes(seed: int, count: int = 4, size: int = 6) -> Stream:
    """Return what a method is told of :func:`stream`, with clean batches as source."""
    return Stream(
        batches=count,
        clips=count * size,
        seed=seed,
        source=lambda: [batch(900 + place, size) for place in range(3)],
    )


def state_of(model: nn.Module) -> dict[str, torch.Tensor]:
    """Return a copy of all parameters and buffers, of those that are not saved, too."""
    return {name: value.detach().clone() for name, value in _tensors(model)}


def changed(model: nn.Module, before: dict[str, torch.Tensor]) -> list[str]:
    """Return the names of parameters and buffers that are no longer as before."""
    return [
        name
        for name, value in _tensors(model)
        if name not in before or not torch.equal(value, before[name])
    ]


def _tensors(model: nn.Module) -> Iterator[tuple[str, torch.Tensor]]:
    yield from model.named_parameters()
    yield from model.named_buffers()


def flags_of(model: nn.Module) -> dict[str, bool]:
    """Return which parameters ask for gradients."""
    return {name: p.requires_grad for name, p in model.named_parameters()}


def require_flags(model: nn.Module, before: dict[str, bool]) -> None:
    """Require that the parameters ask for gradients as before.

    Raises:
        Violation: Some do not.
    """
    after = flags_of(model)
    odd = [name for name in before if before[name] != after[name]]
    require(not odd, f"requires_grad of {', '.join(odd[:3])} was changed")


def unlike(one: nn.Module, other: nn.Module) -> list[str]:
    """Return names of tensors that only one of two models has, or in another shape."""
    states = one.state_dict(), other.state_dict()
    return sorted(set(states[0]) ^ set(states[1])) or [
        name for name in states[0] if states[0][name].shape != states[1][name].shape
    ]


def copy_of(source: Batch) -> Batch:
    """Return a batch of copied tensors."""
    return Batch(source.frames.clone(), source.waveform.clone(), source.lengths.clone())


def same_batch(one: Batch, other: Batch) -> bool:
    """Return whether two batches are equal, bit for bit."""
    return all(
        torch.equal(getattr(one, name), getattr(other, name)) for name in _TENSORS
    )


def require_untouched(before: Batch, given: Batch) -> None:
    """Require that a batch is as before, and was not made part of a graph.

    Raises:
        Violation: It was written to, or asks for gradients.
    """
    for name in _TENSORS:
        one, two = getattr(before, name), getattr(given, name)
        count = int((~torch.isclose(one, two, rtol=0, atol=0, equal_nan=True)).sum())
        require(not count, f"it wrote to {count} of {one.numel()} {name}")
        require(
            not two.requires_grad and two.grad is None,
            f"the {name} that it was given ask for gradients now: detach() them first",
        )


_TENSORS = ("frames", "waveform", "lengths")
