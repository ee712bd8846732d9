"""Scenes hold the published parameters; descriptors name what exists, lightly."""

import csv
import os
import subprocess
import sys
from pathlib import Path

import pytest

from avplug.core.clip import ClipInfo
from avplug.core.corruption import SEVERITIES, Corruption
from avplug.core.errors import UsageError
from avplug.core.randomness import KeyedRandom
from tests.builtin_corruptions.clips import PAIRS, SPECS, load

REPOSITORY = Path(__file__).parents[2]
SHARED = Path(os.environ.get("AVPLUG_SHARED", REPOSITORY.parent / "shared"))
TABLE = SHARED / "facts" / "corruption_parameters.csv"
INFO = ClipInfo("clip", 10.0, 224, 224, 16_000, 1)

#: Field of the scene for each parameter of the table.
FIELDS = {
    ("gaussian", "video", "sigma"): "sigma",
    ("gaussian", "audio", "snr_db"): "snr_db",
    ("impulse", "video", "amount"): "amount",
    ("impulse", "audio", "snr_db"): "snr_db",
    ("impulse", "audio", "impulse_probability"): "click_probability",
    ("shot", "video", "poisson_scale"): "photons",
    ("shot", "audio", "snr_db"): "snr_db",
    ("shot", "audio", "poisson_scale"): "events",
    ("speckle", "video", "sigma"): "sigma",
    ("speckle", "audio", "snr_db"): "snr_db",
    ("compression", "video", "jpeg_quality"): "jpeg_quality",
    ("compression", "audio", "quantiser_bits"): "bits",
    ("compression", "audio", "lowpass_cutoff_hz"): "cutoff_hz",
    ("crowd", "video", "side_fraction"): "side_fraction",
    ("crowd", "audio", "snr_db"): "snr_db",
    ("interference", "video", "max_rotation_deg"): "max_rotation_deg",
    ("interference", "audio", "muted_fraction"): "muted_fraction",
    ("interference", "audio", "chunks"): "chunks",
    ("interference", "audio", "min_chunk_s"): "min_chunk_s",
    **{
        (name, "video", parameter): parameter
        for name in ("snow", "rain")
        for parameter in (
            *("noise_mean", "noise_std", "zoom", "threshold"),
            *("blur_radius", "blur_sigma", "image_weight"),
        )
    },
    ("wind", "video", "blur_radius"): "blur_radius",
    ("wind", "video", "blur_sigma"): "blur_sigma",
    **{(name, "audio", "snr_db"): "snr_db" for name in ("snow", "rain", "wind")},
}


@pytest.mark.skipif(not TABLE.is_file(), reason=f"no {TABLE} (set AVPLUG_SHARED)")
def test_scenes_hold_the_published_parameters():
    with TABLE.open(newline="") as file:
        rows = list(csv.DictReader(file))
    checked = set()
    for row in rows:
        key = (row["corruption"], row["modality"], row["parameter"])
        if key not in FIELDS:
            continue
        component = load(row["corruption"], row["profile"])
        for severity in SEVERITIES:
            scene = component.scene(INFO, severity, KeyedRandom(("scene",)))
            assert getattr(scene, FIELDS[key]) == float(row[f"s{severity}"]), row
        checked.add(key)
    assert checked == set(FIELDS)


def test_the_paper_s_order():
    digital = [name for name, spec in SPECS.items() if spec.category == "digital"]
    assert digital == ["gaussian", "impulse", "shot", "speckle", "compression"]


@pytest.mark.parametrize(("name", "profile"), PAIRS)
def test_every_target_is_a_corruption(name, profile):
    component = load(name, profile)
    assert isinstance(component, Corruption)
    assert component.profile == profile
    assert component.profiles == SPECS[name].profiles


@pytest.mark.parametrize("name", SPECS)
def test_an_unknown_profile_is_refused(name):
    with pytest.raises(UsageError, match="has no profile 'papers'"):
        load(name, "papers")


def test_descriptors_are_light():
    code = (
        "import sys, avplug.builtin_corruptions.hooks as hooks\n"
        "assert len(hooks.avplug_corruptions()) >= 5\n"
        "print(*{'numpy', 'scipy', 'cv2', 'torch'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == ""
