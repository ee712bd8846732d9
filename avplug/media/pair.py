"""One picture and one sound as a clip: a still frame with its sound."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from avplug.core.clip import Clip, InputSpec
from avplug.media.pictures import fit, open_rgb
from avplug.media.sound import read_sound


def read_pair(
    image: str | Path, wav: str | Path, spec: InputSpec, clip_id: str
) -> Clip:
    """Return a clip that shows ``image`` for as long as ``wav`` sounds.

    One frame stands at time 0; a spec with several picks gets the picture once for
    each, at the start of its part.

    Raises:
        MediaError: The picture or the sound is missing or damaged.
    """
    audio, rate = read_sound(wav, spec.sample_rate, spec.channels)
    duration = audio.shape[1] / rate
    picture = fit(open_rgb(image), spec.size)
    times = np.zeros(1)
    if spec.frame_rule != "all" and len(spec.picks) > 1:
        times = np.array([pick * duration / spec.grid for pick in spec.picks])
    frames = np.repeat(picture[None], len(times), axis=0)
    return Clip(clip_id, frames, times, audio, rate, duration)
