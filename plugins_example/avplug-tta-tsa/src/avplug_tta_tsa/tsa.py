"""TSA: test-time selective adaptation (Chen et al., ICML 2025)."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import is_dataclass, replace
from typing import Any, Literal

import torch
from torch import nn

from avplug import Adapter, Batch, CapabilityError, Model, Stream, UsageError


class TSA(Adapter):
    """Adapts the tokens of one sense, and lets a router find out of which.

    Where only the picture or only the sound has shifted, adapting both harms the one
    that was well. So each sense has a linear map of its tokens, ``token + token W``,
    with W zero at first, and a router draws for each clip whose map is used: with a
    weight g from a Gumbel-softmax over two logits, the sound's tokens become
    ``a + (1 - g) a W_a`` and the picture's ``v + g v W_v``. Learnt are both W and the
    router, by ``confidence * CE - balance``: the cross-entropy of confident answers
    with themselves, and how evenly the answers of a batch spread over the classes
    (READ's term, which applies softmax twice).

    The answer to a batch is the mean of two logits: with the sound's map and without
    the picture's, and the other way round. (The published sum has the same order of
    classes, but twice the logits of the model: it is far too sure of itself.)

    The model itself never changes. The paper's code is not public in full; this is
    the reading of DASP's port (arXiv 2603.00574), with one repair, see ``masking``.

    Args:
        model: The model; its ``encode`` returns a dataclass with tensors ``audio`` and
            ``video``, whose last axis is the width of a token.
        lr: Learning rate of Adam.
        confidence: Weight of the cross-entropy: .5 on Kinetics50, 1 on VGGSound.
        threshold: Probability from which an answer is confident: .9 and .8 there.
        temperature: Of the Gumbel-softmax. The published one all but picks a side.
        masking: ``"each"`` leaves out the cross-entropy of each clip that is not
            confident. ``"batch"`` is the port: the mean over all clips is multiplied
            by the share of those that are, so that unsure clips are learnt from too.
        predicts: Whether answers are of before or after the update.

    Raises:
        CapabilityError: The model cannot run encoders and fusion apart.
        UsageError: An option is unknown or out of range.
    """

    surface = None
    predicts = "pre"

    def __init__(
        self,
        model: Model,
        *,
        lr: float = 1e-4,
        confidence: float = 0.5,
        threshold: float = 0.9,
        temperature: float = 1e-3,
        masking: Literal["each", "batch"] = "each",
        predicts: Literal["pre", "post"] = "pre",
    ) -> None:
        for name, value, least, most in (
            ("lr", lr, 0, math.inf),
            ("confidence", confidence, 0, math.inf),
            ("threshold", threshold, 0, 1),
            ("temperature", temperature, 1e-6, math.inf),
        ):
            if not least <= value <= most:
                raise UsageError(
                    f"Option {name} is {value!r}: {least:g} to {most:g} is needed."
                )
        if masking not in ("each", "batch"):
            raise UsageError(f"Option masking is {masking!r}: 'each' or 'batch'.")
        if not (hasattr(model, "encode") and hasattr(model, "fuse")):
            raise CapabilityError(
                f"{type(model).__name__} cannot run its fusion apart: it has no encode "
                "and fuse."
            )
        super().__init__(model, predicts=predicts)
        self._halves: Any = model
        self._lr = lr
        self._confidence = confidence
        self._threshold = threshold
        self._temperature = temperature
        self._masking = masking
        self._seed = 0
        self.reset()

    def begin(self, stream: Stream) -> None:
        """Let the router's draws follow from the run's seed."""
        self._seed = stream.seed
        self._generator.manual_seed(self._seed)

    def reset(self) -> None:
        """Forget maps and router; the model is as it always was.

        The maps are made with the first batch, which tells their width.
        """
        self.parameters = {}
        self._optimizer: torch.optim.Optimizer | None = None
        self._generator = torch.Generator().manual_seed(self._seed)
        self._counts: Counter[str] = Counter(batches=0, updates=0, nonfinite=0)
        self._totals = {"confident": 0.0, "picture_adapted": 0.0}

    def step(self, batch: Batch) -> torch.Tensor:
        """Return logits [B, C] of before or after the update that it makes."""
        with torch.no_grad():
            tokens = self._halves.encode(batch)
        optimizer = self._optimizer or self._prepare(tokens)
        self._counts["batches"] += 1
        answer = self._answer(tokens)
        with torch.enable_grad():
            loss = self._loss(tokens)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
        gradients = [p.grad for p in self.parameters.values() if p.grad is not None]
        norm = torch.nn.utils.get_total_norm(gradients)
        if not bool((norm + loss.detach()).isfinite()):
            self._counts["nonfinite"] += 1
            return answer
        optimizer.step()
        self._counts["updates"] += 1
        return answer if self.predicts == "pre" else self._answer(tokens)

    def diagnostics(self) -> dict[str, Any]:
        """Return counts, and means over the batches.

        ``confident`` is the share of confident clips, ``picture_adapted`` how much of
        the adaptation the router gave to the picture, .5 for both alike.
        """
        batches = self._counts["batches"]
        means = {k: v / batches if batches else None for k, v in self._totals.items()}
        return dict(self._counts) | means

    def _prepare(self, tokens: Any) -> torch.optim.Optimizer:
        tracks = [getattr(tokens, sense, None) for sense in ("audio", "video")]
        found = [track for track in tracks if isinstance(track, torch.Tensor)]
        if len(found) < 2 or not is_dataclass(tokens):
            raise CapabilityError(
                f"{type(self.model).__name__} does not encode picture and sound into "
                "tokens of their own."
            )
        heard, seen = found
        for name, like in (("audio", heard), ("video", seen)):
            width = like.shape[-1]
            self.parameters[name] = nn.Parameter(like.new_zeros(width, width))
        self.parameters["router"] = nn.Parameter(heard.new_zeros(2))
        self._optimizer = torch.optim.Adam(self.parameters.values(), lr=self._lr)
        return self._optimizer

    def _fused(self, tokens: Any, sound: Any, picture: Any) -> torch.Tensor:
        """Return logits with so much of each map, as numbers or one for each clip."""
        heard, seen = tokens.audio, tokens.video
        heard = heard + _over(sound, heard) * (heard @ self.parameters["audio"])
        seen = seen + _over(picture, seen) * (seen @ self.parameters["video"])
        fused: torch.Tensor = self._halves.fuse(
            replace(tokens, audio=heard, video=seen)
        )
        return fused if fused.dtype == torch.float64 else fused.float()

    @torch.no_grad()
    def _answer(self, tokens: Any) -> torch.Tensor:
        halves = self._fused(tokens, 0.0, 1.0), self._fused(tokens, 1.0, 0.0)
        return (halves[0] + halves[1]) / 2

    def _loss(self, tokens: Any) -> torch.Tensor:
        router = self.parameters["router"]
        noise = self.gumbel(len(tokens.audio)).to(router)
        # Weight of the side on which the picture is adapted.
        picture = ((router + noise) / self._temperature).softmax(-1)[:, 0]
        logs = self._fused(tokens, 1 - picture, picture).log_softmax(-1)
        best = logs.amax(-1)
        confident = (best.detach().exp() >= self._threshold).to(logs)
        if self._masking == "each":
            entropy = -(confident * best).mean()
        else:
            entropy = -best.mean() * confident.mean()
        self._totals["confident"] += confident.mean().item()
        self._totals["picture_adapted"] += picture.detach().mean().item()
        summed = logs.exp().sum(0).log_softmax(-1)
        balance = -(summed.exp() * summed).sum()
        return self._confidence * entropy - balance

    def gumbel(self, clips: int) -> torch.Tensor:
        """Return standard Gumbel noise, float64 [clips, 2], of the run's seed."""
        uniform = torch.rand(clips, 2, generator=self._generator, dtype=torch.float64)
        tiny = torch.finfo(torch.float64).tiny
        return -(-uniform.clamp_min(tiny).log()).clamp_min(tiny).log()


def _over(amount: Any, tokens: torch.Tensor) -> Any:
    """Return a number as it is, and one for each clip [B] over the clip's tokens."""
    if not isinstance(amount, torch.Tensor):
        return amount
    return amount.to(tokens).reshape(-1, *[1] * (tokens.ndim - 1))
