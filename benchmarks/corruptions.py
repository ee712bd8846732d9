"""What each built-in corruption costs on one thread, beside the public alternatives.

Prints CPU milliseconds per clip, picture and sound apart, for a short clip (10 frames
of 224x224 and 10 s at 16 kHz) and a long one (250 frames of 640x360 and 10 s at
48 kHz): the least of several rounds. Where imagecorruptions, albumentations or
audiomentations can be imported, their like effect is timed on the same input in the
same process, and the ratio is printed: above 1, avplug is faster.

Times are those of a run in progress: tables and fields are built, and a clip's frames
lie in memory that an earlier clip left (see frame_memory.py). The first clip of a
process needs more: where large frames are new, 0.08 ms for one of 640x360.

``--reference FILE`` takes figures of the public benchmark's own code, measured once on
another machine beside the same peers, and prints the ratio to it. The machines' speeds
are compared by imagecorruptions: the median, over its effects, of its time here by its
time there.
"""

from __future__ import annotations

import argparse
import os

# Before NumPy is imported: BLAS reads it once.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import json
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from math import exp, log
from pathlib import Path
from statistics import median
from typing import Any, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from avplug.builtin_corruptions.bank import LOOPS, SOUNDS, bank_loop
from avplug.builtin_corruptions.hooks import avplug_corruptions
from avplug.core.clip import Clip
from avplug.core.components import CorruptionSpec
from avplug.core.corruption import PROFILES, SEVERITIES, corrupt

Pixels: TypeAlias = NDArray[np.uint8]
Samples: TypeAlias = NDArray[np.float32]
#: Of imagecorruptions, by our names.
IMAGECORRUPTIONS = {
    "gaussian": "gaussian_noise",
    "impulse": "impulse_noise",
    "shot": "shot_noise",
    "speckle": "speckle_noise",
    "compression": "jpeg_compression",
    "snow": "snow",
    "frost": "frost",
    "spatter": "spatter",
    "wind": "motion_blur",
    "concert": "brightness",
    "smoke": "fog",
}
#: Class of albumentations and the options nearest to severity 3, by our names.
ALBUMENTATIONS: dict[str, tuple[str, dict[str, object]]] = {
    "gaussian": (
        "GaussNoise",
        {"std_range": (0.18, 0.18), "per_channel": True, "noise_scale_factor": 1},
    ),
    "impulse": ("SaltAndPepper", {"amount": (0.09, 0.09)}),
    "shot": ("ShotNoise", {"scale_range": (0.08, 0.08)}),
    "speckle": (
        "MultiplicativeNoise",
        {"multiplier": (0.4, 1.6), "per_channel": True, "elementwise": True},
    ),
    "compression": ("ImageCompression", {"quality_range": (15, 15)}),
    "snow": ("RandomSnow", {"method": "texture"}),
    "spatter": ("Spatter", {"mode": "rain"}),
    "wind": ("MotionBlur", {"blur_limit": (31, 31)}),
    "rain": ("RandomRain", {}),
    "underwater": ("GaussianBlur", {"blur_limit": (7, 7)}),
    "concert": ("RandomBrightnessContrast", {"contrast_limit": 0}),
    "smoke": ("RandomFog", {}),
    "interference": ("Rotate", {"limit": 23, "interpolation": cv2.INTER_NEAREST}),
}
#: Class of audiomentations and its options, by our names.
AUDIOMENTATIONS: dict[str, tuple[str, dict[str, object]]] = {
    "gaussian": ("AddGaussianSNR", {"min_snr_db": 20, "max_snr_db": 20}),
    "compression": ("LowPassFilter", {"min_cutoff_freq": 4e3, "max_cutoff_freq": 4e3}),
    "interference": ("TimeMask", {"min_band_part": 0.3, "max_band_part": 0.3}),
}


@dataclass(frozen=True)
class Row:
    """CPU milliseconds of one corruption and severity, and what peers need."""

    name: str
    severity: int
    video: float
    audio: float
    peers: dict[str, float]

    @property
    def ratios(self) -> dict[str, float]:
        """How many times longer each peer takes for its modality."""
        own = {"audiomentations": self.audio}
        return {k: v / own.get(k, self.video) for k, v in self.peers.items()}


def picture(count: int, height: int, width: int) -> Pixels:
    """Return blurred noise over gradients, uint8 [T, H, W, 3]."""
    rng = np.random.default_rng(0)
    frames = rng.integers(0, 256, (count, height, width, 3), np.uint8)
    ramp = np.linspace(0, 160, width, dtype=np.uint8)[None, :, None]
    return np.stack([cv2.GaussianBlur(f, (9, 9), 3) // 2 + ramp // 2 for f in frames])


def make_clip(length: str) -> tuple[Clip, Pixels, Samples]:
    """Return the ``"short"`` or the ``"long"`` clip, its frames and its audio."""
    count, height, width, rate = {
        "short": (10, 224, 224, 16_000),
        "long": (250, 360, 640, 48_000),
    }[length]
    frames = picture(count, height, width)
    noise = np.random.default_rng(1).standard_normal((1, 10 * rate), np.float32)
    samples = noise / np.float32(8)
    times = np.arange(count, dtype=np.float64) * (10 / count)
    return Clip(length, frames, times, samples, rate, 10.0), frames, samples


def least_ms(work: Callable[[], object], rounds: int) -> float:
    """Return the least CPU time of a call, after one to warm up, in milliseconds."""
    work()
    best = float("inf")
    for _ in range(rounds):
        start = time.process_time()
        work()
        best = min(best, time.process_time() - start)
    return 1000 * best


def import_peers() -> tuple[dict[str, Any], dict[str, str]]:
    """Return the peers that can be imported, and why the others cannot."""
    found, missing = {}, {}
    for name in ("imagecorruptions", "albumentations", "audiomentations"):
        try:
            found[name] = import_module(name)
        except ImportError as error:
            missing[name] = str(error)
    return found, missing


def image_peers(
    found: dict[str, Any], name: str, severity: int
) -> dict[str, Callable[[Pixels], object]]:
    """Return the peers' effects on a frame, uint8 [H, W, 3]."""
    effects: dict[str, Callable[[Pixels], object]] = {}
    if "imagecorruptions" in found and name in IMAGECORRUPTIONS:
        theirs = partial(
            found["imagecorruptions"].corrupt,
            corruption_name=IMAGECORRUPTIONS[name],
            severity=severity,
        )
        effects["imagecorruptions"] = theirs
    if "albumentations" in found and name in ALBUMENTATIONS and severity == 3:
        attribute, options = ALBUMENTATIONS[name]
        transform = getattr(found["albumentations"], attribute)(p=1, **options)
        effects["albumentations"] = lambda frame: transform(image=frame)
    return effects


def peer_ms(
    found: dict[str, Any],
    inputs: tuple[Clip, Pixels, Samples],
    name: str,
    severity: int,
    rounds: int,
) -> dict[str, float]:
    """Return CPU milliseconds of each peer; pictures from ten frames at most."""
    clip, frames, samples = inputs
    spent = {}
    for peer, effect in image_peers(found, name, severity).items():
        some = [frame.copy() for frame in frames[:10]]
        try:
            effect(some[0])
        except Exception as error:
            # A peer may not run on today's NumPy; the others are still measured.
            print(f"{peer} cannot do {name}: {type(error).__name__}: {error}")
            continue
        of_some = least_ms(
            partial(lambda run, all_: [*map(run, all_)], effect, some), rounds
        )
        spent[peer] = of_some * len(frames) / len(some)
    if "audiomentations" in found and name in AUDIOMENTATIONS and severity == 3:
        attribute, options = AUDIOMENTATIONS[name]
        transform = getattr(found["audiomentations"], attribute)(p=1, **options)
        work = partial(transform, samples[0], sample_rate=clip.sample_rate)
        spent["audiomentations"] = least_ms(work, rounds)
    return spent


def measure(
    spec: CorruptionSpec,
    clip: Clip,
    severity: int,
    profile: str,
    rounds: int,
) -> tuple[float, float]:
    """Return CPU milliseconds of a corruption on the picture and on the sound."""
    module, attribute = spec.target.split(":")
    component = getattr(import_module(module), attribute)(profile)
    video, audio = (
        least_ms(
            partial(corrupt, clip, component, spec.name, severity, modalities=m),
            rounds,
        )
        for m in "va"
    )
    return video, audio


def show(rows: list[Row], clip: Clip, count: int) -> None:
    """Print the table of a clip, with geometric means and worst ratios."""
    print(
        f"\n{clip.id} clip: {count} frames {clip.info.width}x{clip.info.height}, "
        f"10 s at {clip.sample_rate} Hz; CPU ms"
    )
    print(
        f"{'corruption':14}s{'video':>10}{'/frame':>9}{'audio':>9}{'clip':>10}  ratios"
    )
    for row in rows:
        ratios = "  ".join(f"{k} {v:.1f}x" for k, v in row.ratios.items())
        print(
            f"{row.name:14}{row.severity}{row.video:10.2f}{row.video / count:9.3f}"
            f"{row.audio:9.2f}{row.video + row.audio:10.2f}  {ratios}"
        )
    print(f"{'all':14} {' ':28}{sum(r.video + r.audio for r in rows):10.2f}")
    for peer in sorted({peer for row in rows for peer in row.ratios}):
        of_peer = {r.name: r.ratios[peer] for r in rows if peer in r.ratios}
        mean = exp(sum(map(log, of_peer.values())) / len(of_peer))
        worst = min(of_peer, key=of_peer.__getitem__)
        print(
            f"{peer}: geometric mean {mean:.1f}x, worst {of_peer[worst]:.1f}x ({worst})"
        )


def show_bank() -> None:
    """Print what a process pays once for each sound, if clips need all its loops."""
    print(f"\nbank of {LOOPS} loops of each sound at 16 kHz, built when needed; CPU ms")
    for sound in SOUNDS:
        bank_loop(sound, 0, 16_000)
        start = time.process_time()
        for index in range(1, LOOPS):
            bank_loop(sound, index, 16_000)
        spent = 1000 * (time.process_time() - start) * LOOPS / (LOOPS - 1)
        print(f"{sound:14}{spent:10.0f}")


def reference_ms(timings: dict[str, Any], name: str, length: str) -> float:
    """Return what the reference needs for a clip, on the machine that timed it."""
    row = timings["final_run2"][name]
    count, size = {"short": (10, "v224"), "long": (250, "v640")}[length]
    return float(count * row[f"ref_{size}"] + row["ref_a"])


def machine_factor(timings: dict[str, Any], rows: list[Row], length: str) -> float:
    """Return how many times slower this machine is than the one of ``timings``."""
    count, size = {"short": (10, "v224"), "long": (250, "v640")}[length]
    there = timings["peers_ic"]
    ratios = [
        row.peers["imagecorruptions"] / (count * there[effect][size])
        for row in rows
        if "imagecorruptions" in row.peers
        and size in there[effect := f"imagecorruptions:{IMAGECORRUPTIONS[row.name]}"]
    ]
    if not ratios:
        sys.exit("--reference needs imagecorruptions to compare the machines by.")
    return float(median(ratios))


def show_reference(timings: dict[str, Any], rows: list[Row], length: str) -> None:
    """Print the ratio of the reference's time to ours, for each row and in all."""
    factor = machine_factor(timings, rows, length)
    ours = {row.name: row.video + row.audio for row in rows if row.severity == 3}
    theirs = {name: factor * reference_ms(timings, name, length) for name in ours}
    print(
        f"\nreference, {length} clip (this machine takes {factor:.2f} times as long):"
    )
    ratios = {name: theirs[name] / ours[name] for name in ours}
    print("  ".join(f"{name} {ratio:.1f}x" for name, ratio in ratios.items()))
    mean = exp(sum(map(log, ratios.values())) / len(ratios))
    worst = min(ratios, key=ratios.__getitem__)
    print(
        f"sweep {sum(theirs.values()) / sum(ours.values()):.1f}x, geometric mean "
        f"{mean:.1f}x, worst {ratios[worst]:.1f}x ({worst})"
    )


def main() -> None:
    """Parse the options, and print a table for each clip."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clip", choices=["short", "long", "both"], default="both")
    parser.add_argument("--profile", choices=PROFILES, default="paper")
    parser.add_argument("--severity", type=int, choices=SEVERITIES, default=3)
    parser.add_argument("--all-severities", action="store_true")
    parser.add_argument("--corruption", action="append", help="default: all")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--reference", type=Path, help="timings of the public code")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    # Once a large array was freed, as in any process with a model, the allocator
    # keeps memory instead of giving each frame's back to the system.
    np.ones(3_500_000)
    warnings.simplefilter("ignore")
    show_bank()
    found, missing = import_peers()
    for peer, reason in missing.items():
        print(f"{peer} is missing: {reason}")
    wanted = [
        spec
        for spec in avplug_corruptions()
        if not options.corruption or spec.name in options.corruption
    ]
    severities = SEVERITIES if options.all_severities else (options.severity,)
    for length in ("short", "long") if options.clip == "both" else (options.clip,):
        inputs = make_clip(length)
        rows = []
        for spec in wanted:
            for severity in severities:
                own = measure(
                    spec, inputs[0], severity, options.profile, options.rounds
                )
                peers = peer_ms(found, inputs, spec.name, severity, options.rounds)
                rows.append(Row(spec.name, severity, *own, peers))
        show(rows, inputs[0], len(inputs[1]))
        if options.reference:
            timings = json.loads(options.reference.read_text(encoding="utf-8"))
            show_reference(timings, rows, length)


if __name__ == "__main__":
    main()
