"""How good a model in training is: on clean validation clips, and on attacked ones.

The attack is a cheap one and always the same, PGD; its accuracy says whether a training
goes the right way. What a defence is worth ``avplug run`` says, with stronger attacks.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from avplug.bench.clip_cache import ClipCache
from avplug.bench.compute import device_of
from avplug.bench.prepare import construct
from avplug.bench.threats import describe
from avplug.core.attack import Attack, ThreatModel
from avplug.core.batch import collate
from avplug.core.clip import ClipRef
from avplug.core.dataset import Dataset
from avplug.core.model import Model
from avplug.core.randomness import KeyedRandom
from avplug.core.registry import Registry

ATTACK = "pgd"
STEPS = 5
#: In radii of the ball.
STEP = 0.25
#: So many validation clips are attacked, evenly drawn.
CLIPS = 64


def stated(threat: ThreatModel) -> str:
    """Return how clips are attacked, in words."""
    return (
        f"{ATTACK}, {STEPS} steps of {STEP} epsilon, on at most {CLIPS} validation"
        f" clips; {describe(threat)}"
    )


class Judge:
    """Accuracy on the validation clips: top-1, a label among the clip's.

    Args:
        registry: Where the attack is looked up.
        dataset: The validation split.
        clips: Its clips.
        model: In training.
        batch_size: Clips at a time.
        threat: What attacked clips may become; None attacks none.
        seed: Of the attack.
    """

    def __init__(
        self,
        registry: Registry,
        dataset: Dataset,
        clips: Sequence[ClipRef],
        model: Model,
        *,
        batch_size: int,
        threat: ThreatModel | None,
        seed: int,
    ) -> None:
        self._cache = ClipCache(dataset, model.input)
        self._dataset = dataset
        self._clips = clips
        self._size = batch_size
        self._model = model
        self._threat = threat
        self._seed = seed
        if threat:
            # A clip that is fooled stays fooled: leaving it alone is exact here.
            options = {"steps": STEPS, "step": STEP, "early_stop": True}
            self._attack: Attack = construct(registry.recall("attack", ATTACK), options)

    def clean(self) -> float:
        """Return the accuracy on the clips as they are, in percent."""
        return self._accuracy(self._clips, None)

    def robust(self) -> float | None:
        """Return the accuracy on attacked clips, of all of them; None if none are."""
        if self._threat is None:
            return None
        order = KeyedRandom(("judged",)).permutation(len(self._clips))
        return self._accuracy(
            [self._clips[i] for i in sorted(order[:CLIPS])], self._threat
        )

    def _accuracy(self, clips: Sequence[ClipRef], threat: ThreatModel | None) -> float:
        self._model.eval()
        device = device_of(self._model)
        hits = 0
        for start in range(0, len(clips), self._size):
            refs = clips[start : start + self._size]
            loaded = [self._cache.load(ref) for ref in refs]
            batch = collate(loaded, self._model.input).to(device)
            if threat:
                labels = targets(refs, self._dataset, self._model).to(device)
                randoms = [KeyedRandom((self._seed, "judged", ref.id)) for ref in refs]
                attacked = self._attack.perturb(
                    self._model, batch, labels, threat, randoms
                )
                batch = attacked.batch
            with torch.no_grad():
                best = self._model.classify(batch).argmax(1).tolist()
            hits += sum(b in ref.labels for b, ref in zip(best, refs, strict=True))
        return 100 * hits / len(clips)


def targets(refs: Sequence[ClipRef], dataset: Dataset, model: Model) -> torch.Tensor:
    """Return labels as losses take them: int64 [B], or bool [B, C] for sigmoid."""
    if model.outputs == "softmax":
        return torch.tensor([ref.labels[0] for ref in refs])
    found = torch.zeros(len(refs), len(dataset.labels), dtype=torch.bool)
    for row, ref in enumerate(refs):
        found[row, list(ref.labels)] = True
    return found
