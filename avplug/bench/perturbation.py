"""How far attacked clips are from the clean ones, and whether that was allowed.

PSNR is of all frames of a clip against a peak of 1, SNR of its whole sound, and dB_x is
20 log10(max|d| / max|x|) of the perturbation d on the sound x (arXiv 1801.01944). Clips
that an attack left as they are have none of these, silent ones no SNR and no dB_x.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import torch

from avplug.core.attack import Budget, ThreatModel
from avplug.core.batch import Batch

#: Rounding of float32 sums that is no fault of an attack: a share of epsilon, and an
#: absolute part, which stands for the last place of a value near 1.
_SLACK, _LAST_PLACE = 1e-4, 2.5e-7


def saved(batch: Batch) -> Batch:
    """Return a batch as files give it back: 8 bits for each colour, and PCM16."""
    return replace(
        batch,
        frames=(batch.frames * 255).round().clamp(0, 255) / 255,
        waveform=(batch.waveform * 32768).round().clamp(-32768, 32767) / 32768,
    )


class Perturbation:
    """Sizes of the perturbations of a cell's clips.

    Args:
        threat: What was allowed.
    """

    def __init__(self, threat: ThreatModel) -> None:
        self._threat = threat
        self._psnr: list[float] = []
        self._snr: list[float] = []
        self._db_x: list[float] = []
        self._largest = {"video": 0.0, "audio": 0.0}
        self._ratio = 0.0
        self._clips = self._silent = self._outside = self._invalid = 0

    def see(self, clean: Batch, attacked: Batch) -> None:
        """Take the next batch, before and after."""
        self._clips += len(clean)
        video = (attacked.frames - clean.frames).detach()
        audio = (attacked.waveform - clean.waveform).detach()
        for name, shift in (("video", video), ("audio", audio)):
            largest = float(shift.abs().amax())
            self._largest[name] = max(self._largest[name], largest)
        self._see_video(video)
        self._see_audio(clean.waveform, audio)
        self._check(clean, attacked, video, audio)

    def _see_video(self, shift: torch.Tensor) -> None:
        errors = shift.flatten(1).double().square().mean(1)
        errors = errors[errors > 0]
        self._psnr += (-10 * errors.log10()).tolist()

    def _see_audio(self, clean: torch.Tensor, shift: torch.Tensor) -> None:
        power, change = (s.double().square().sum(1) for s in (clean, shift))
        self._silent += int((power == 0).sum())
        told = (power > 0) & (change > 0)
        self._snr += (10 * (power[told] / change[told]).log10()).tolist()
        peaks = shift[told].abs().amax(1) / clean[told].abs().amax(1)
        self._db_x += (20 * peaks.log10()).tolist()

    def _check(
        self, clean: Batch, attacked: Batch, video: torch.Tensor, audio: torch.Tensor
    ) -> None:
        sides = (
            (self._threat.video, video, clean.frames, attacked.frames),
            (self._threat.audio, audio, clean.waveform, attacked.waveform),
        )
        ratios, outside = [], torch.zeros(len(clean), dtype=torch.bool)
        invalid = torch.zeros(len(clean), dtype=torch.bool)
        for budget, shift, before, after in sides:
            if budget is None or not budget.epsilon:
                outside |= (shift.flatten(1) != 0).any(1).cpu()
                continue
            length, slack = _length(budget, shift)
            ratios.append((length, slack))
            low, high = budget.bounds
            # A clip that was out of range before is no fault of the attack.
            wrong = (after < torch.clamp(before, max=low)) | (
                after > torch.clamp(before, min=high)
            )
            invalid |= (wrong | ~torch.isfinite(after)).flatten(1).any(1).cpu()
        if ratios and self._threat.joint:
            whole = torch.stack([length.square() for length, _ in ratios]).sum(0).sqrt()
            ratios = [(whole, sum(slack for _, slack in ratios))]
        for length, slack in ratios:
            self._ratio = max(self._ratio, float(length.amax()))
            outside |= (length > 1 + _SLACK + slack).cpu()
        self._outside += int(outside.sum())
        self._invalid += int(invalid.sum())

    def facts(self) -> dict[str, Any]:
        """Return what a record keeps; decibels by mean and worst clip.

        ``ratio`` is the largest norm of a perturbation in radii of its ball; clips
        beyond 1, or changed where nothing is allowed, are ``outside``; those with
        values out of their range, or not finite, are ``invalid``.
        """
        return {
            "clips": self._clips,
            "psnr": _spread(self._psnr),
            "snr": {**_spread(self._snr), "silent": self._silent},
            "db_x": _spread(self._db_x, worst=max),
            "largest": dict(self._largest),
            "ratio": self._ratio,
            "outside": self._outside,
            "invalid": self._invalid,
        }


def _length(budget: Budget, shift: torch.Tensor) -> tuple[torch.Tensor, float]:
    """Return the norms in radii, [B], and what of them may be rounding."""
    radius = budget.radius(shift)
    scaled = (shift / radius).flatten(1)
    slack = _LAST_PLACE / float(radius.min())
    if budget.norm == "linf":
        return scaled.abs().amax(1), slack
    return scaled.norm(dim=1), slack


def _spread(
    values: Sequence[float], worst: Callable[[Sequence[float]], float] = min
) -> dict[str, float | None]:
    if not values:
        return {"mean": None, "worst": None}
    return {"mean": sum(values) / len(values), "worst": worst(values)}
