"""What each adaptation method costs beside plain inference, on CAV-MAE.

Counts floating-point operations of a step, forwards and backwards, and times steps: as
multiples of what ``source`` needs for the same batch. Clips are noise, weights are
untrained, and thresholds are set so that every clip is learnt from: the most that a
method costs. Attention is counted as plain matrix products.

``--sizes base`` counts on the published size: some minutes on one core. Times are
medians over interleaved rounds, each against the plain inference of its round.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Any

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from avplug.builtin_models.cavmae import CAVMAE
from avplug.builtin_tta.hooks import avplug_adaptations
from avplug.core.adaptation import Adapter, Stream
from avplug.core.batch import Batch
from avplug.core.targets import load_target

SIZES: dict[str, dict[str, Any]] = {
    "tiny": {
        "image_size": 96,
        "target_length": 256,
        "width": 64,
        "depth": 2,
        "heads": 4,
    },
    "narrow": {"width": 192, "heads": 12},
    "base": {},
}
#: Few enough that the released SuMi finds every answer sure.
LABELS = tuple(f"class {i}" for i in range(10))

ALL = {"e0_factor": 2.0, "d": 2.0}
#: Rows by title: method and options.
METHODS: dict[str, tuple[str, dict[str, Any]]] = {
    "source": ("source", {}),
    "tent": ("tent", {}),
    "rpl": ("rpl", {}),
    "eta": ("eta", ALL),
    "eata": ("eata", ALL),
    "sar": ("sar", {"e0_factor": 2.0, "recover": 0.0}),
    "read": ("read", {}),
    "read, pre": ("read", {"predicts": "pre"}),
    "sumi": ("sumi", {"profile": "released"}),
    "sumi, pre": ("sumi", {"profile": "released", "predicts": "pre"}),
    "av2c": ("av2c", ALL),
    "pta": ("pta", {}),
    "abpem": ("abpem", {}),
    "rdumb": ("rdumb", ALL),
    "asr(tent)": ("asr", {}),
    "asr(read)": ("asr", {"method": "read"}),
}
#: Counted at the published size, on public code with what is repeated taken out.
REFERENCE = {
    "tent": 2.09,
    "rpl": 2.09,
    "eta": 2.09,
    "eata": 2.09,
    "sar": 4.17,
    "read": 1.19,
    "read, pre": 1.10,
    "sumi": 3.34,
    "sumi, pre": 2.34,
    "av2c": 1.10,
}


@dataclass(frozen=True)
class Row:
    """Multiples of plain inference, and the passes of a step."""

    title: str
    flops: float
    seconds: float | None
    forwards: int
    backwards: int


def make_model(size: str) -> CAVMAE:
    torch.manual_seed(0)
    return CAVMAE(LABELS, **SIZES[size]).eval()


def make_batch(model: CAVMAE, clips: int, *, alike: bool) -> Batch:
    """Return noise: one clip again and again, or in the last third another one.

    The head's bias is shifted, so that the two get different answers. SuMi takes clips
    for central where all are alike; PTA learns where an answer is rarer than another,
    from three clips on.
    """
    generator = torch.Generator().manual_seed(1)
    side, samples = model.sizes.image_size, model.input.samples
    frames = torch.rand(2, len(model.input.picks), 3, side, side, generator=generator)
    frames[1] *= 0.3
    waveform = 0.1 * torch.randn(2, samples, generator=generator)
    batch = Batch(frames, waveform, torch.full((2,), samples))
    last = torch.arange(clips) >= (2 * clips + 2) // 3
    batch = batch.rows((last & (not alike)).long())
    with torch.no_grad():
        model.mlp_head[1].bias -= model.classify(batch).mean(0)
    return batch


def make_adapter(title: str, model: CAVMAE, batch: Batch) -> Adapter:
    name, options = METHODS[title]
    spec = next(s for s in avplug_adaptations() if s.name == name)
    adapter: Adapter = load_target(spec, "avplug")(model, **options)
    adapter.reset()
    adapter.begin(Stream(10**6, 10**6, seed=0, source=lambda: [batch]))
    return adapter


def flops_of(work: Callable[[], object]) -> int:
    with FlopCounterMode(display=False) as counter, sdpa_kernel(SDPBackend.MATH):
        work()
    return counter.get_total_flops()


def seconds_of(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def measure(title: str, size: str, clips: int, rounds: int) -> Row:
    """Return the cost of a method on a batch; no times without rounds."""
    model = make_model(size)
    batch = make_batch(model, clips, alike=title.startswith("sumi"))
    plain = make_adapter("source", model, batch)
    inference = flops_of(lambda: plain.step(batch))
    adapter = make_adapter(title, model, batch)
    flops = flops_of(lambda: adapter.step(batch))
    counts = adapter.diagnostics()
    ratios = []
    for _ in range(rounds):
        base = seconds_of(lambda: plain.step(batch))
        ratios.append(seconds_of(lambda: adapter.step(batch)) / base)
    adapter.reset()
    return Row(
        title,
        flops / inference,
        median(ratios) if ratios else None,
        counts["forwards"],
        counts.get("backwards", 0),
    )


def main() -> None:
    """Print a table for each size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", nargs="+", choices=SIZES, default=["tiny", "narrow"])
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument("--clips", type=int, default=4, help="in a batch")
    parser.add_argument("--rounds", type=int, default=7, help="0 counts only")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    for size in options.sizes:
        print(f"\nCAV-MAE {size}, {options.clips} clips; times plain inference")
        print(f"{'method':12}{'FLOPs':>8}{'known':>8}{'time':>8}  passes")
        for title in options.methods:
            row = measure(title, size, options.clips, options.rounds)
            known = f"{REFERENCE[title]:.2f}" if title in REFERENCE else ""
            seconds = "" if row.seconds is None else f"{row.seconds:.2f}"
            passes = f"{row.forwards} forward, {row.backwards} backward"
            print(f"{title:12}{row.flops:8.2f}{known:>8}{seconds:>8}  {passes}")


if __name__ == "__main__":
    main()
