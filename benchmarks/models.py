"""What a model's forward costs beside its bare arithmetic, and beside its FLOPs.

Prints a Markdown table: for each model the floating-point operations of a clip beside
the known figure, the CPU seconds of a clip, their ratio to those of the bare
arithmetic, and the speed reached, also as a share of a plain matrix product's.

*Bare* is the arithmetic of that forward and nothing else. One forward is recorded
operator by operator; those of :data:`ARITHMETIC` (products, convolutions, attention,
Fourier transforms, norms, activations, pooling, sums and products of elements) are then
run again one after the other, from the recorded list. What is not in it is the price of
the model's code: Python, modules, views, copies, joining, padding, picking, and
constants made anew. Weights are the model's own; of other inputs one of random numbers
stands for all of the same layout, so that a forward need not be held in memory.

FLOPs are two for a multiply-add in products, convolutions and attention, as the known
figures count; these are of the published sizes. Weights and clips are random, which
changes no time; class texts of zero-shot models are there already. A clip has one
frame, and as much sound as the model asks for. Times are CPU seconds of this process,
medians over rounds in which model, bare arithmetic and a product take turns; compare
ratios, seconds are the machine's.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map_only
from torch.utils.flop_counter import FlopCounterMode

from avplug.builtin_models.hooks import avplug_models
from avplug.core.batch import Batch
from avplug.core.components import ModelSpec
from avplug.core.model import Model
from avplug.core.targets import load_target

MODELS = {spec.name: spec for spec in avplug_models()}
LABELS = tuple(f"class {i}" for i in range(309))
#: GFLOP of a clip with one frame at the published size, counted on the public code.
KNOWN = {
    "cav-mae": 132.4,
    "equiav": 132.2,
    "uavm": 9.1 + 76.4 + 30.7,
    "cvpr21": 1.12 + 3.63,
    "clip": 8.7,
    "audioclip": 57.3 + 12.2,
    "wav2clip": 8.7 + 8.7,
    "imagebind": 335 + 123,
}
#: Names of ATen's operators that compute.
ARITHMETIC = frozenset(
    {
        *("mm", "addmm", "bmm", "baddbmm", "convolution", "_fft_r2c"),
        "_scaled_dot_product_flash_attention_for_cpu",
        *("native_layer_norm", "native_batch_norm", "linalg_vector_norm"),
        *("gelu", "relu", "sigmoid", "_softmax"),
        *("max_pool2d_with_indices", "adaptive_max_pool2d", "avg_pool2d"),
        *("add", "sub", "mul", "div", "pow", "reciprocal", "remainder", "floor"),
        *("abs", "clamp", "clamp_min", "minimum", "where"),
        *("exp", "log", "log10", "sqrt", "sin", "cos", "sinc"),
        *("mean", "sum", "amax", "std_mean"),
    }
)
#: Side of the square matrices of the plain product.
SIDE = 1024


@dataclass(frozen=True)
class Row:
    """What a model costs in batches of one size; seconds are of a clip."""

    name: str
    batch: int
    flops: int
    seconds: float
    ratio: float
    of_matmul: float


class Recorder(TorchDispatchMode):
    """Notes the operators that compute, with what each was given.

    Args:
        own: Tensors that are kept as they are; of others the layout is noted only.
    """

    def __init__(self, own: Iterable[torch.Tensor]) -> None:
        super().__init__()
        self.calls: list[Callable[[], object]] = []
        self._own = {tensor.untyped_storage().data_ptr() for tensor in own}
        self._standing: dict[tuple[Any, ...], torch.Tensor] = {}

    def __torch_dispatch__(
        self,
        func: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """Compute as ever, and note it."""
        kwargs = kwargs or {}
        if func.overloadpacket.__name__ in ARITHMETIC:
            noted, named = tree_map_only(torch.Tensor, self._kept, (args, kwargs))
            self.calls.append(lambda: func(*noted, **named))
        return func(*args, **kwargs)

    def _kept(self, tensor: torch.Tensor) -> torch.Tensor:
        if tensor.untyped_storage().data_ptr() in self._own:
            return tensor
        layout = (tensor.dtype, tensor.shape, tensor.stride())
        if layout not in self._standing:
            self._standing[layout] = stand_in(tensor)
        return self._standing[layout]


def stand_in(tensor: torch.Tensor) -> torch.Tensor:
    """Return random numbers in 0..1, or ones of a whole type, in a tensor's layout."""
    steps = zip(tensor.shape, tensor.stride(), strict=True)
    needed = 1 + sum((size - 1) * stride for size, stride in steps)
    whole = not (tensor.is_floating_point() or tensor.is_complex())
    make = torch.ones if whole else torch.rand
    return make(needed, dtype=tensor.dtype).as_strided(tensor.shape, tensor.stride())


def replay(calls: Sequence[Callable[[], object]]) -> None:
    """Run recorded operators one after the other."""
    for call in calls:
        call()


def make_model(spec: ModelSpec, variant: str) -> Model:
    """Return a model with random weights; a zero-shot model has read its classes."""
    torch.manual_seed(0)
    config = spec.variants.get(variant, {})
    model: Model = load_target(spec, "avplug")(LABELS, **config).eval()
    if hasattr(model, "class_texts"):
        texts = torch.rand(len(LABELS), model.config["output"])
        model.class_texts = lambda: texts
    return model


def make_batch(model: Model, clips: int) -> Batch:
    """Return noise: a frame each, and as much sound as the model asks for."""
    generator = torch.Generator().manual_seed(1)
    side, samples = model.input.size, model.input.samples
    frames = torch.rand(clips, 1, 3, side, side, generator=generator)
    waveform = 0.1 * torch.randn(clips, samples, generator=generator)
    return Batch(frames, waveform, torch.full((clips,), samples))


def flops_of(work: Callable[[], object]) -> int:
    """Return the floating-point operations of a call."""
    with FlopCounterMode(display=False) as counter, sdpa_kernel(SDPBackend.MATH):
        work()
    return counter.get_total_flops()


def seconds_of(work: Callable[[], object]) -> float:
    """Return the CPU seconds of a call."""
    start = time.process_time()
    work()
    return time.process_time() - start


def arithmetic_of(model: Model, batch: Batch) -> list[Callable[[], object]]:
    """Return the bare arithmetic of a forward, in its order."""
    recorder = Recorder([*model.parameters(), *model.buffers()])
    with recorder:
        model.classify(batch)
    return recorder.calls


@torch.no_grad()
def measure(name: str, model: Model, flops: int, clips: int, rounds: int) -> Row:
    """Return the cost of a model in batches of ``clips``."""
    batch = make_batch(model, clips)
    # The first forward makes what is kept, such as windows and filter banks.
    model.classify(batch)
    bare = arithmetic_of(model, batch)
    replay(bare)
    square = torch.rand(SIDE, SIDE)
    times = [
        (
            seconds_of(lambda: model.classify(batch)),
            seconds_of(lambda: replay(bare)),
            seconds_of(lambda: square @ square),
        )
        for _ in range(rounds)
    ]
    work, product = flops * clips, 2 * SIDE**3
    return Row(
        name,
        clips,
        flops,
        median(whole for whole, _, _ in times) / clips,
        median(whole / part for whole, part, _ in times),
        median((work / whole) / (product / plain) for whole, _, plain in times),
    )


def show(row: Row, *, published: bool) -> None:
    """Print a row of the table."""
    known = f"{KNOWN[row.name]:.4g}" if published and row.name in KNOWN else ""
    cells = (
        row.name,
        str(row.batch),
        f"{row.flops / 1e9:.2f}",
        known,
        f"{row.seconds:.4f}",
        f"{row.ratio:.3f}",
        f"{row.flops / row.seconds / 1e9:.1f}",
        f"{row.of_matmul:.0%}",
    )
    print(f"| {' | '.join(cells)} |", flush=True)


def listed(text: str) -> list[str]:
    """Return the parts of what is separated by commas."""
    return text.split(",")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--models", type=listed, default=list(MODELS), help="a,b,...")
    parser.add_argument("--batch", type=listed, default=["1"], help="clips, as 1,16")
    parser.add_argument(
        "--variant", help="such as tiny; the published size if left out"
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    print(
        "| model | batch | GFLOP | known | s/clip | to bare | GFLOP/s | of product |\n"
        "|---|---|---|---|---|---|---|---|"
    )
    for name in options.models:
        spec = MODELS[name]
        variant = options.variant or next(iter(spec.variants))
        model = make_model(spec, variant)
        with torch.no_grad():
            flops = flops_of(lambda model=model: model.classify(make_batch(model, 1)))
        for clips in map(int, options.batch):
            row = measure(name, model, flops, clips, options.rounds)
            show(row, published=not options.variant)


if __name__ == "__main__":
    main()
