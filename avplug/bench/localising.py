"""Where a model hears the sound in the picture, before and after an attack.

Three numbers of a clip's middle frame compare the weights of its places, p before and q
after the attack, whose sums are 1:

``correlation``
    Pearson's, over the places; undefined where either map is flat.
``entropy``
    H(q) - H(p) in nats: above 0 the attack blurs the map, below it sharpens it.
``moved``
    Distance between the two maxima, in shares of the picture's height and width: 1 is
    the whole side. Of equal maxima the first in reading order counts.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray

from avplug.bench.store import Maps
from avplug.core.batch import Batch
from avplug.core.clip import ClipRef
from avplug.core.model import Localises, Model

#: Maps whose weights differ by less are flat: rounding has no correlation.
_FLAT = 1e-7


def localises(model: Model) -> bool:
    """Whether a model says where in the picture the sound is."""
    return isinstance(model, Localises) and model.localises


class LocalisationWatch:
    """Compares the maps of every attacked clip, and keeps those of some.

    Args:
        model: The attacked model; of one that does not localise nothing is noted.
        kept: Clips whose maps are kept; empty watches none.
    """

    def __init__(self, model: Model, kept: Collection[str]) -> None:
        watched = bool(kept) and localises(model)
        self._model = cast("Localises", model) if watched else None
        self._kept = frozenset(kept)
        self._numbers: list[torch.Tensor] = []
        self._maps: list[tuple[Any, ...]] = []

    def see(self, refs: Sequence[ClipRef], clean: Batch, attacked: Batch) -> None:
        """Take the next batch, before and after."""
        if self._model is None:
            return
        pair = (clean, attacked)
        middle = clean.frames.shape[1] // 2
        with torch.no_grad():
            before, after = (
                self._model.localisation(self._model.encode(batch))[:, middle].float()
                for batch in pair
            )
        self._numbers.append(compare(before, after))
        for row, ref in enumerate(refs):
            if ref.id in self._kept:
                # A stream may show a clip again, under another corruption.
                self._kept -= {ref.id}
                pictures = (_picture(batch.frames[row, middle]) for batch in pair)
                places = (maps[row].cpu().numpy() for maps in (before, after))
                self._maps.append((ref.id, *pictures, *places))

    def facts(self) -> dict[str, Any]:
        """Return means over all clips; of the correlation, over those that have one."""
        if not self._numbers:
            return {}
        numbers = torch.cat(self._numbers)
        told = numbers[~numbers[:, 0].isnan(), 0]
        return {
            "clips": len(numbers),
            "correlation": float(told.mean()) if len(told) else None,
            "flat": len(numbers) - len(told),
            "entropy": float(numbers[:, 1].mean()),
            "moved": float(numbers[:, 2].mean()),
        }

    def maps(self) -> Maps | None:
        """Return the maps that were kept; None if there are none."""
        if not self._maps:
            return None
        ids, *rest = zip(*self._maps, strict=True)
        frames, attacked, before, after = (np.stack(part) for part in rest)
        return Maps(np.asarray(ids, np.str_), frames, attacked, before, after)


def compare(before: torch.Tensor, after: torch.Tensor) -> torch.Tensor:
    """Return correlation, entropy and moved of each pair of maps.

    Args:
        before: Weights [B, h, w], each map with the sum 1.
        after: The same of the attacked clips.

    Returns:
        float64 [B, 3] on the CPU; the correlation is NaN where a map is flat.
    """
    p, q = (maps.double().cpu().flatten(1) for maps in (before, after))
    height, width = before.shape[1:]
    x, y = (maps - maps.mean(1, keepdim=True) for maps in (p, q))
    correlation = (x * y).sum(1) / (x.norm(dim=1) * y.norm(dim=1))
    flat = (x.abs().amax(1) < _FLAT) | (y.abs().amax(1) < _FLAT)
    entropy = torch.special.entr(q).sum(1) - torch.special.entr(p).sum(1)
    places = [maps.argmax(1) for maps in (p, q)]
    rows = (places[1] // width - places[0] // width) / height
    columns = (places[1] % width - places[0] % width) / width
    moved = (rows.square() + columns.square()).sqrt()
    nan = torch.full_like(correlation, torch.nan)
    return torch.stack([correlation.where(~flat, nan), entropy, moved], 1)


def _picture(frame: torch.Tensor) -> NDArray[np.uint8]:
    """Return a frame [3, H, W] in 0..1 as uint8 [H, W, 3]."""
    levels = (frame.detach() * 255).round().clamp(0, 255).byte()
    picture: NDArray[np.uint8] = levels.permute(1, 2, 0).cpu().numpy()
    return picture
