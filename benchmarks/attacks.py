"""What attacks cost here and in torchattacks, foolbox and AutoAttack.

Prints a Markdown table: for each model, attack and library the passes of a clip, the
loss that was reached, and the CPU seconds of a batch, also as a ratio to avplug's in
the same run.

One sense: none of the libraries takes two inputs. Every library attacks the same
network, eval mode, its own predictions as labels, so that no clip is fooled from the
start; FGSM, PGD and MIM without random start, ten steps, APGD on cross-entropy with
``--steps``. The models are a small convolutional network on 32x32 pixels, and the
picture path of the network of CVPR'21 at its published size (a ResNet18 on 224x224).
Weights are random, which changes no time.

The libraries are imported if they are there, and left out with a line if not; they are
no dependency, and best installed into a folder of their own::

    pip install --target PEERS --no-deps torchattacks==3.5.1 foolbox==3.3.4 \\
        eagerpy GitPython gitdb smmap
    PYTHONPATH=PEERS python benchmarks/attacks.py

Times are CPU seconds of this process, medians over rounds in which the libraries take
turns; compare ratios, seconds are the machine's.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Any

import torch
from torch import nn

from avplug.bench.prepare import construct
from avplug.builtin_models.cvpr21 import CVPR21
from avplug.core.attack import Budget, ThreatModel
from avplug.core.batch import Batch
from avplug.core.model import Model
from avplug.core.randomness import KeyedRandom
from avplug.core.registry import get_registry

EPSILON, STEPS = 8 / 255, 10
LABELS = tuple(f"class {i}" for i in range(28))
ATTACKS = ("fgsm", "pgd", "mim", "apgd")

#: Attacks pictures [B, 3, H, W] with labels [B], and returns them.
Attacking = Callable[[torch.Tensor, torch.Tensor], Any]


class Counted(nn.Module):
    """A network on pictures that counts the passes of clips through it.

    Args:
        logits: The network.
    """

    def __init__(self, logits: nn.Module) -> None:
        super().__init__()
        self.logits = logits
        self.forwards = self.backwards = 0

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """Return logits [B, C] of pictures [B, 3, H, W]."""
        self.forwards += len(pictures)
        found: torch.Tensor = self.logits(pictures)
        if found.requires_grad and pictures.requires_grad:
            found.register_hook(self._count)
        return found

    def _count(self, gradient: torch.Tensor) -> None:
        self.backwards += len(gradient)


class OnFrames(Model):
    """The same network as avplug has it: of one frame, and deaf."""

    def __init__(self, network: Counted) -> None:
        super().__init__(LABELS)
        self.network = network

    def forward(self, frames: torch.Tensor, waveform: torch.Tensor) -> torch.Tensor:
        """Return logits [B, C]."""
        logits: torch.Tensor = self.network(frames[:, 0])
        return logits


class PicturePath(nn.Module):
    """CVPR'21's network of the picture alone, at its published size."""

    def __init__(self) -> None:
        super().__init__()
        self.net = CVPR21(LABELS, fusion="visual")
        self.samples = self.net.input.samples

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """Return logits [B, C]."""
        clips = len(pictures)
        silence = pictures.new_zeros(clips, self.samples)
        lengths = torch.full((clips,), self.samples)
        return self.net.classify(Batch(pictures[:, None], silence, lengths))


def small() -> nn.Module:
    """Return a small convolutional network."""
    return nn.Sequential(
        nn.Conv2d(3, 16, 3, 2, 1),
        nn.ReLU(),
        nn.Conv2d(16, 32, 3, 2, 1),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(32, len(LABELS)),
    )


MODELS: dict[str, tuple[Callable[[], nn.Module], int]] = {
    "small": (small, 32),
    "cvpr21 picture": (PicturePath, 224),
}


def ours(network: Counted, name: str, steps: int) -> Attacking:
    """Return one of avplug's attacks."""
    options = {"fgsm": {}, "apgd": {"steps": steps}}.get(name, {"steps": STEPS})
    attack = construct(get_registry().get("attack", name), options)
    model = OnFrames(network).eval()
    threat = ThreatModel(Budget("linf", EPSILON, (0.0, 1.0), "pixel"), None)

    def run(pictures: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        clips = len(pictures)
        batch = Batch(
            pictures[:, None], torch.zeros(clips, 16), torch.full((clips,), 16)
        )
        randoms = [KeyedRandom(("benchmark", i)) for i in range(clips)]
        found = attack.perturb(model, batch, labels, threat, randoms)
        frames: torch.Tensor = found.batch.frames[:, 0]
        return frames

    return run


def of_torchattacks(network: Counted, name: str, steps: int) -> Attacking:
    """Return one of torchattacks' attacks."""
    import torchattacks

    step = EPSILON / 8
    made: Attacking = {
        "fgsm": lambda: torchattacks.FGSM(network, eps=EPSILON),
        "pgd": lambda: torchattacks.PGD(
            network, eps=EPSILON, alpha=step, steps=STEPS, random_start=False
        ),
        "mim": lambda: torchattacks.MIFGSM(
            network, eps=EPSILON, alpha=step, steps=STEPS, decay=1.0
        ),
        "apgd": lambda: torchattacks.APGD(
            network, eps=EPSILON, steps=steps, n_restarts=1, loss="ce"
        ),
    }[name]()
    return made


def of_foolbox(network: Counted, name: str, steps: int) -> Attacking:
    """Return one of foolbox' attacks; it has no APGD."""
    import foolbox
    from foolbox import attacks

    settings = {"rel_stepsize": 1 / 8, "steps": STEPS, "random_start": False}
    known = {
        "fgsm": lambda: attacks.LinfFastGradientAttack(random_start=False),
        "pgd": lambda: attacks.LinfPGD(**settings),
        "mim": lambda: attacks.LinfMomentumIterativeFastGradientMethod(
            momentum=1.0, **settings
        ),
    }
    if name not in known:
        raise LookupError("foolbox has no APGD")
    model, attack = foolbox.PyTorchModel(network, bounds=(0, 1)), known[name]()
    return lambda pictures, labels: attack(model, pictures, labels, epsilons=EPSILON)


def of_autoattack(network: Counted, name: str, steps: int) -> Attacking:
    """Return AutoAttack's APGD, which is all that it has of these."""
    from autoattack.autopgd_base import APGDAttack

    if name != "apgd":
        raise LookupError("AutoAttack has APGD alone")
    attack = APGDAttack(network, n_iter=steps, eps=EPSILON, loss="ce", device="cpu")
    return lambda pictures, labels: attack.perturb(pictures, labels)


LIBRARIES: dict[str, Callable[[Counted, str, int], Attacking]] = {
    "avplug": ours,
    "torchattacks": of_torchattacks,
    "foolbox": of_foolbox,
    "autoattack": of_autoattack,
}


@dataclass(frozen=True, slots=True)
class Row:
    """What an attack of a library cost."""

    library: str
    forwards: float
    backwards: float
    seconds: float
    loss: float


def compare(
    network: Counted, name: str, size: int, clips: int, steps: int, rounds: int
) -> list[Row]:
    """Return the cost of one attack in each library that is there."""
    pictures = torch.rand(clips, 3, size, size)
    with torch.no_grad():
        labels = network(pictures).argmax(1)
    attacks = {}
    for library, make in LIBRARIES.items():
        try:
            attacks[library] = make(network, name, steps)
        except (ImportError, LookupError) as error:
            print(f"<!-- {library} {name}: left out, {error} -->")
    times: dict[str, list[float]] = {library: [] for library in attacks}
    counts: dict[str, tuple[float, float, float]] = {}
    for _ in range(rounds + 1):
        for library, attack in attacks.items():
            network.forwards = network.backwards = 0
            begin = time.process_time()
            found = attack(pictures.clone(), labels)
            times[library].append(time.process_time() - begin)
            passes = network.forwards / clips, network.backwards / clips
            ends = found[1] if isinstance(found, tuple | list) else found
            with torch.no_grad():
                loss = nn.functional.cross_entropy(network(ends), labels)
            counts[library] = (*passes, float(loss))
    # The first round warms up.
    return [
        Row(lib, counts[lib][0], counts[lib][1], median(times[lib][1:]), counts[lib][2])
        for lib in attacks
    ]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=20, help="of APGD")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    warnings.simplefilter("ignore")
    print(
        "| model | attack | library | forwards | backwards | loss | s/batch | ratio |\n"
        "|---|---|---|---|---|---|---|---|"
    )
    for model, (make, size) in MODELS.items():
        torch.manual_seed(0)
        network = Counted(make().eval().requires_grad_(False))
        for name in ATTACKS:
            rows = compare(
                network, name, size, options.batch, options.steps, options.rounds
            )
            own = rows[0].seconds
            for row in rows:
                cells = (
                    *(model, name, row.library),
                    *(f"{row.forwards:g}", f"{row.backwards:g}", f"{row.loss:.4f}"),
                    *(f"{row.seconds:.4f}", f"{row.seconds / own:.2f}"),
                )
                print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
