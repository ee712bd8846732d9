"""What of an attack is left where it is made on some moments and shared with others.

::

    avplug train -m cvpr21:tiny --dataset events --limit 300 --batch-size 16 \\
        --lr 2e-3 --epochs 6 -o model.grid=4 -o "model.picks=[0,1,2,3]" \\
        -o model.image_size=64 -o model.samples=16384 --out net
    python benchmarks/crafting.py --weights net/weights.safetensors

Prints the accuracy of the network on ``events`` under PGD made on whole clips; made on
excerpts and shown to the excerpts, and shared with all moments; and the accuracy on
attacked sounds that are moved by some samples.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator

import torch

from avplug.bench.config import RunConfig
from avplug.bench.plan import Plan
from avplug.bench.planning import make_plan
from avplug.bench.prepare import construct
from avplug.builtin_defenses.crafting import craft, excerpt_of
from avplug.core.attack import Attack
from avplug.core.batch import Batch, collate
from avplug.core.model import Model
from avplug.core.randomness import KeyedRandom
from avplug.core.registry import get_registry

RATIOS = (0.5, 0.25)
SHIFTS = (0, 1, 10, 64, 128, 256, 1000)
PARTS = 10

Change = Callable[[Attack, Batch, torch.Tensor, list[KeyedRandom]], Batch]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--weights", required=True)
    options.add_argument("--clips", type=int, default=96)
    options.add_argument("--steps", type=int, default=5)
    asked = options.parse_args()
    torch.set_num_threads(1)
    for senses in ("a", "v", "av"):
        plan = make_plan(
            RunConfig(
                models=("cvpr21:tiny",),
                weights=(asked.weights,),
                corruptions=("gaussian",),
                severities=(5,),
                limit=asked.clips,
                attacks=("pgd",),
                budgets=("cvpr21",),
                attack_senses=(senses,),  # type: ignore[arg-type]
                options={"pgd": {"steps": asked.steps, "step": 0.25}},
            ),
            get_registry(),
        )
        told = [f"{name} {value:.1f}" for name, value in measured(plan, senses)]
        print(f"{senses:2}  " + "  ".join(told))


def measured(plan: Plan, senses: str) -> Iterator[tuple[str, float]]:
    """Yield what was tried with the accuracy in percent."""
    cell = next(cell for cell in plan.cells if cell.attack)
    assert cell.attack is not None
    model, threat = cell.model.model, cell.attack.allowed
    attack = cell.attack.method, cell.attack.options

    def excerpts(ratio: float) -> Change:
        return lambda made, batch, labels, randoms: (
            made.perturb(
                model,
                excerpt_of(batch, ratio=ratio, parts=PARTS, shift=0.5).batch,
                labels,
                threat,
                randoms,
            ).batch
        )

    def shared(ratio: float) -> Change:
        how = {"ratio": ratio, "parts": PARTS, "shift": 0.5}
        return lambda made, batch, labels, randoms: (
            craft(made, model, batch, labels, threat, randoms, **how).batch
        )

    def moved(samples: int) -> Change:
        return lambda made, batch, labels, randoms: rolled(
            made.perturb(model, batch, labels, threat, randoms).batch, samples
        )

    def of(change: Change) -> float:
        return accuracy(plan, model, construct(attack[0], attack[1]), change)

    yield "clean", of(lambda made, batch, labels, randoms: batch)
    for ratio in RATIOS:
        yield f"excerpt {ratio:g}", of(excerpts(ratio))
        yield f"shared {ratio:g}", of(shared(ratio))
    for samples in SHIFTS if "a" in senses else (0,):
        yield f"whole, moved by {samples}" if samples else "whole", of(moved(samples))


def rolled(batch: Batch, samples: int) -> Batch:
    """Return clips of which the sound comes later."""
    return Batch(batch.frames, torch.roll(batch.waveform, samples, 1), batch.lengths)


def accuracy(plan: Plan, model: Model, attack: Attack, change: Change) -> float:
    """Return top-1 on the clips of a plan, changed."""
    hits, size = 0, 16
    for start in range(0, len(plan.clips), size):
        refs = plan.clips[start : start + size]
        clips = [plan.dataset.load(ref, model.input) for ref in refs]
        labels = torch.tensor([ref.labels[0] for ref in refs])
        randoms = [KeyedRandom((0, "crafting", ref.id)) for ref in refs]
        batch = change(attack, collate(clips, model.input), labels, randoms)
        with torch.no_grad():
            hits += int((model.classify(batch).argmax(1) == labels).sum())
    return 100 * hits / len(plan.clips)


if __name__ == "__main__":
    main()
