"""A program that prints what each corruption makes of some clips, as hashes in JSON."""

from __future__ import annotations

import hashlib
import json
import sys

import numpy as np
from avplug_codec import avplug_corruptions
from avplug_codec.codecs import MPEG4_PART_2
from avplug_codec.picture import code
from conftest import _load, _picture, _voice

from avplug import Clip, corrupt

#: Height and width of the frames.
SIZES = ((16, 16), (20, 36), (101, 67), (120, 160))
FRAMES, RATE = 12, 16_000
QUANTISER = {"qmin": "6", "qmax": "6"}


def pictures(height, width):
    """Return frames of each kind: noise, a drift, and a band of it over grey."""
    random = np.random.default_rng(3)
    noise = random.integers(0, 256, (FRAMES, height, width, 3), np.uint8)
    drift = _picture(FRAMES, height, width)
    y, x, t = height, width, np.arange(FRAMES)[:, None, None, None]
    ramp = 2 * np.arange(y)[:, None, None] + 3 * np.arange(x)[:, None] + 7 * t
    band = np.repeat(ramp % 256, 3, 3).astype(np.uint8)
    band[:, y // 4 :] = 30
    return {"noise": noise, "drift": drift, "band": band}


def digest(*arrays):
    whole = b"".join(array.tobytes() for array in arrays)
    return hashlib.sha256(whole).hexdigest()


def digests():
    """Return what each corruption makes of each clip, as {name: {clip: hash}}.

    ``carried`` is the codec whose decoder minds most what lies behind a packet.
    """
    names = [spec.name for spec in avplug_corruptions()]
    seconds = FRAMES / 25
    found = {name: {} for name in [*names, "carried"]}
    for height, width in SIZES:
        for kind, frames in pictures(height, width).items():
            audio = _voice(seconds, RATE, 2)
            times = np.arange(FRAMES) / 25
            clip = Clip(kind, frames, times, audio, RATE, seconds)
            label = f"{kind} {height} x {width}"
            for name in names:
                spoilt = corrupt(clip, _load(name), name, 3)
                found[name][label] = digest(spoilt.frames, spoilt.audio)
            sent = code(frames, 25, MPEG4_PART_2, QUANTISER, carry=lambda _, data: data)
            found["carried"][label] = digest(sent.frames)
    return found


if __name__ == "__main__":
    sys.stdout.write(json.dumps(digests()))
