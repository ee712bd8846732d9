"""A corruption that breaks its contract is named, and told what to do instead."""

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


class Exits(Kind):
    def __init__(self, where):
        super().__init__()
        self._where = where

    def scene(self, info, severity, rng):
        return self._leave("scene")

    def video(self, frames, times, scene, rng):
        return frames if self._leave("video") else None

    def audio(self, samples, sample_rate, scene, rng):
        return samples if self._leave("audio") else None

    def _leave(self, where):
        if where == self._where:
            raise SystemExit(0)
        return True


@pytest.mark.parametrize("where", ["scene", "video", "audio"])
def test_it_cannot_end_the_program(clip, where):
    says = r"'fog' \(.*Exits\) tried to end the program: SystemExit: 0\."
    with pytest.raises(PluginError, match=says) as caught:
        corrupt(clip, Exits(where), "fog", 3)
    assert isinstance(caught.value.__cause__, SystemExit)


def test_ctrl_c_is_let_through(clip):
    class Slow(Kind):
        def video(self, frames, times, scene, rng):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        corrupt(clip, Slow(), "fog", 3)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (lambda a: None, "returned NoneType as audio, no array"),
        (lambda a: a.tolist(), "returned list as audio, no array"),
        (lambda a: a.astype(np.float64), r"into float64 \[1, 9\]"),
        (lambda a: a[:, 1:], r"into float32 \[1, 8\]"),
        (lambda a: a * np.float32("nan"), "made audio that is not finite"),
    ],
)
def test_what_it_returns_is_checked(clip, answer, says):
    class Odd(Kind):
        def audio(self, samples, sample_rate, scene, rng):
            return answer(samples)

    with pytest.raises(PluginError, match=f"'fog' .*{says}"):
        corrupt(clip, Odd(), "fog", 3)
