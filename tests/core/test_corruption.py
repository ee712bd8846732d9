"""A corruption that writes to its input is named, and told what to do instead."""

import re

import cv2
import numpy as np
import pytest

from avplug.core.clip import Clip
from avplug.core.corruption import Corruption, corrupt
from avplug.core.errors import PluginError


class Kind(Corruption):
    def scene(self, info, severity, rng):
        return None

    def video(self, frames, times, scene, rng):
        return frames.copy()

    def audio(self, samples, sample_rate, scene, rng):
        return samples.copy()


class Assigns(Kind):
    def video(self, frames, times, scene, rng):
        frames[:, 0] = 0
        return frames


class Multiplies(Kind):
    def audio(self, samples, sample_rate, scene, rng):
        samples *= 2
        return samples


class Draws(Kind):
    def video(self, frames, times, scene, rng):
        cv2.line(frames[0], (0, 0), (3, 3), (9, 9, 9))
        return frames


@pytest.fixture
def clip():
    frames = np.zeros((2, 8, 8, 3), np.uint8)
    return Clip("a", frames, np.arange(2) / 2, np.zeros((1, 9), np.float32), 9, 1.0)


@pytest.mark.parametrize(
    ("kind", "what"),
    [(Assigns, "frames"), (Multiplies, "samples"), (Draws, "frames")],
)
def test_it_is_named(clip, kind, what):
    says = rf"'fog' \({re.escape(kind.__module__)}\.{kind.__name__}\) .* the {what} "
    with pytest.raises(PluginError, match=says) as caught:
        corrupt(clip, kind(), "fog", 3)
    assert f"{what}.copy()" in caught.value.hint


@pytest.mark.parametrize("error", [ValueError("odd"), OSError("read-only disk")])
def test_other_errors_are_its_own(clip, error):
    class Fails(Kind):
        def audio(self, samples, sample_rate, scene, rng):
            raise error

    with pytest.raises(type(error), match=str(error)):
        corrupt(clip, Fails(), "fog", 3)
