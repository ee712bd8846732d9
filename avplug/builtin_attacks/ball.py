"""The set of clips that a threat model allows, as steps and projections."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from avplug.core.attack import Budget, ThreatModel
from avplug.core.batch import Batch
from avplug.core.randomness import KeyedRandom

#: The attacked senses of a batch: ``"video"`` [B, T, 3, H, W], ``"audio"`` [B, N].
Signals = Mapping[str, torch.Tensor]

_TINY = 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class Ball:
    """What clips may become under a threat model.

    Lengths of steps are in radii: 1 is epsilon, whatever the sense or its unit. What
    pads the sound of a short clip stays silent.

    Args:
        clean: The clips.
        threat: What may be done to them.
        randoms: The random stream of each clip.
    """

    clean: Batch
    threat: ThreatModel
    randoms: Sequence[KeyedRandom]

    @property
    def signals(self) -> dict[str, torch.Tensor]:
        """The clean values of the senses that may change."""
        both = {"video": self.clean.frames, "audio": self.clean.waveform}
        return {name: both[name] for name in self._budgets}

    @property
    def _budgets(self) -> dict[str, Budget]:
        both = {"video": self.threat.video, "audio": self.threat.audio}
        return {name: b for name, b in both.items() if b and b.epsilon}

    def batch(self, signals: Signals) -> Batch:
        """Return the batch with the senses replaced."""
        return replace(
            self.clean,
            frames=signals.get("video", self.clean.frames),
            waveform=signals.get("audio", self.clean.waveform),
        )

    def rows(self, index: torch.Tensor) -> Ball:
        """Return the ball of some of the clips; ``index`` is bool [B]."""
        kept = [r for r, keep in zip(self.randoms, index.tolist(), strict=True) if keep]
        return Ball(self.clean.rows(index), self.threat, kept)

    def common(self) -> Ball:
        """Return the ball of a shift that all clips share: round zero, unbounded."""
        blank = replace(
            self.clean.rows(torch.arange(1)),
            frames=torch.zeros_like(self.clean.frames[:1]),
            waveform=torch.zeros_like(self.clean.waveform[:1]),
            lengths=self.clean.lengths.amax(0, keepdim=True),
        )
        free = {
            name: replace(budget, bounds=(-math.inf, math.inf))
            for name, budget in self._budgets.items()
        }
        threat = replace(self.threat, video=free.get("video"), audio=free.get("audio"))
        return Ball(blank, threat, self.randoms[:1])

    def radius(self, name: str) -> torch.Tensor:
        """Return epsilon of a sense, of a shape that fits its signal."""
        return self._budgets[name].radius(self.clean.waveform)

    def step(
        self, signals: Signals, slopes: Signals, length: float | torch.Tensor
    ) -> dict[str, torch.Tensor]:
        """Move uphill as far as a step of ``length`` radii can, without projecting.

        Args:
            signals: Where the clips are.
            slopes: Gradients of what shall grow.
            length: A number, or one for each clip, [B].
        """
        ways = self._ways(slopes)
        return {
            name: value + per_clip(length, value) * self.radius(name) * ways[name]
            for name, value in signals.items()
        }

    def _ways(self, slopes: Signals) -> dict[str, torch.Tensor]:
        """Return directions of norm 1, each sense measured in its radii."""
        scaled = {name: slope * self.radius(name) for name, slope in slopes.items()}
        lengths = self._lengths(scaled)
        return {
            name: slope.sign()
            if self._budgets[name].norm == "linf"
            else slope / per_clip(lengths[name].clamp(min=_TINY), slope)
            for name, slope in scaled.items()
        }

    def _lengths(self, scaled: Signals) -> dict[str, torch.Tensor]:
        """Return the Euclidean length of each clip's senses, [B], together if joint."""
        squares = {name: v.flatten(1).square().sum(1) for name, v in scaled.items()}
        if self.threat.joint:
            whole = torch.stack(list(squares.values())).sum(0).sqrt()
            return dict.fromkeys(squares, whole)
        return {name: square.sqrt() for name, square in squares.items()}

    def random_point(self, salt: int) -> dict[str, torch.Tensor]:
        """Return clips drawn uniformly from the ball, then brought into the bounds.

        Args:
            salt: Tells one draw from the next; each clip draws from its own stream.
        """
        drawn = {
            name: torch.stack(
                [self._draw(name, random.stream(name, salt)) for random in self.randoms]
            )
            for name in self.signals
        }
        return self.project(
            {n: v + self.radius(n) * drawn[n] for n, v in self.signals.items()}
        )

    def _draw(self, name: str, random: KeyedRandom) -> torch.Tensor:
        like = self.signals[name][0]
        generator = random.generator()
        if self._budgets[name].norm == "linf":
            values = generator.uniform(-1, 1, like.shape)
        else:
            values = generator.standard_normal(like.shape)
            size = values.size
            length = generator.random() ** (1 / size)
            values *= length / max(float(np.linalg.norm(values)), _TINY)
        return torch.from_numpy(values).to(like)

    def project(self, signals: Signals) -> dict[str, torch.Tensor]:
        """Return the nearest allowed values: first into the ball, then the bounds."""
        clean = self.signals
        shifts = {name: value - clean[name] for name, value in signals.items()}
        lengths = self._lengths(
            {name: shift / self.radius(name) for name, shift in shifts.items()}
        )
        projected = {}
        for name, shift in shifts.items():
            radius = self.radius(name)
            if self._budgets[name].norm == "linf":
                shift = torch.minimum(torch.maximum(shift, -radius), radius)
            else:
                shift = shift / per_clip(lengths[name].clamp(min=1.0), shift)
            projected[name] = clean[name] + shift
        return self.bounded(projected)

    def bounded(self, signals: Signals) -> dict[str, torch.Tensor]:
        """Return the signals with every value in its valid range."""
        clean = self.signals
        inside = {
            name: self._budgets[name].bounded(value, clean[name])
            for name, value in signals.items()
        }
        if "audio" in inside:
            inside["audio"] = self.unpadded(inside["audio"])
        return inside

    def unpadded(self, waveform: torch.Tensor) -> torch.Tensor:
        """Return [B, N] with zeros where the clips are padded."""
        places = torch.arange(waveform.shape[1], device=waveform.device)
        return waveform.where(places < self.clean.lengths[:, None], 0.0)


def pick(signals: Signals, index: torch.Tensor) -> dict[str, torch.Tensor]:
    """Return the signals of some of the clips."""
    return {name: value[index] for name, value in signals.items()}


def per_clip(value: float | torch.Tensor, like: torch.Tensor) -> float | torch.Tensor:
    """Return [B] values shaped to multiply a signal [B, ...]; a number as it is."""
    if isinstance(value, torch.Tensor):
        return value.view(-1, *[1] * (like.ndim - 1))
    return value


def choose(
    which: torch.Tensor, one: Signals, other: Signals
) -> dict[str, torch.Tensor]:
    """Return ``one`` for the clips that ``which``, bool [B], says, else ``other``."""
    return {
        name: torch.where(which.view(-1, *[1] * (value.ndim - 1)), value, other[name])
        for name, value in one.items()
    }
