"""Corruptions that break a promise where a first glance does not look."""

import os
import sys
import time
from zlib import crc32

import numpy as np
import pytest

from avplug.core.corruption import Corruption
from avplug.testing.checks import Subject, checks_of, run_check
from tests.testing.healthy import caught_by, failures, healthy, quiet_tests

SPEC, Sound = healthy("corruption")
STRONGEST = 0.55
NOISES = {}


@caught_by("corruption/pure")
class WritesAtSeverityFourOnly(Sound):
    def audio(self, samples, sample_rate, scene, rng):
        spoilt = super().audio(samples, sample_rate, scene, rng)
        if scene == 0.35:
            samples[:, -1] += 1
        return spoilt


@caught_by("corruption/pure")
class WritesToStereoOnly(Sound):
    def audio(self, samples, sample_rate, scene, rng):
        spoilt = super().audio(samples, sample_rate, scene, rng)
        if len(samples) == 2:
            samples[1] = samples[0]
        return spoilt


@caught_by("corruption/pure")
class WritesAndTakesBack(Sound):
    def audio(self, samples, sample_rate, scene, rng):
        samples += 1
        samples -= 1
        return super().audio(samples.copy(), sample_rate, scene, rng)

    def video(self, frames, times, scene, rng):
        times += 1.0
        spoilt = super().video(frames, times - 1.0, scene, rng)
        times -= 1.0
        return spoilt


@caught_by("corruption/repeatable")
class DrawsFromNumPyAtTheStrongest(Sound):
    def audio(self, samples, sample_rate, scene, rng):
        spoilt = super().audio(samples, sample_rate, scene, rng)
        if scene == STRONGEST:
            spoilt += np.float32(1e-3 * np.random.standard_normal())
        return spoilt


@caught_by("corruption/repeatable")
class DrawsFromTheClock(Sound):
    def audio(self, samples, sample_rate, scene, rng):
        spoilt = super().audio(samples, sample_rate, scene, rng)
        return spoilt + np.float32(1e-3 * (time.perf_counter_ns() % 997))


@caught_by("corruption/elsewhere")
class HashesTheId(Sound):
    def scene(self, info, severity, rng):
        return super().scene(info, severity, rng) + 1e-2 * hash(info.id) / 2**64


@caught_by("corruption/elsewhere")
class GoesThroughASet(Sound):
    def audio(self, samples, sample_rate, scene, rng):
        spoilt = super().audio(samples, sample_rate, scene, rng)
        words = "".join({f"noise {number}" for number in range(20)})
        return spoilt * np.float32(1 + 1e-2 * crc32(words.encode()) / 2**32)


@caught_by("corruption/elsewhere")
class KeepsTheFirstNoiseForAll(Sound):
    """Of each shape, which whatever clip came first in the process has drawn."""

    def audio(self, samples, sample_rate, scene, rng):
        noise = rng.generator().standard_normal(samples.shape, dtype=np.float32)
        noise = NOISES.setdefault(samples.shape, noise)
        level = np.sqrt(np.mean(np.square(samples)))
        return samples + np.float32(2 * scene * level) * noise


@caught_by("corruption/elsewhere")
class EndsTheOtherProcess(Sound):
    def scene(self, info, severity, rng):
        # None where this process was started from a string, as those of xdist are.
        program = sys.modules["__main__"].__spec__
        if program is not None and program.name == "avplug.testing.elsewhere":
            os._exit(3)
        return super().scene(info, severity, rng)


@caught_by("corruption/keyed-by-clip")
class SoundIsTheSameForAllClips(Sound):
    def audio(self, samples, sample_rate, scene, rng):
        own = type(rng)((rng.key[0], "sound"))
        return super().audio(samples, sample_rate, scene, own)


@caught_by("corruption/clips-at-once")
class KeepsTheSceneOnSelf(Sound):
    def scene(self, info, severity, rng):
        self.strength = super().scene(info, severity, rng)
        return

    def video(self, frames, times, scene, rng):
        return super().video(frames, times, self.strength, rng)

    def audio(self, samples, sample_rate, scene, rng):
        return super().audio(samples, sample_rate, self.strength, rng)


@caught_by("corruption/own-arrays")
class ReturnsItsBuffer(Sound):
    def __init__(self, profile="paper"):
        super().__init__(profile)
        self.buffer = np.empty((1, 16_000), np.float32)

    def audio(self, samples, sample_rate, scene, rng):
        spoilt = super().audio(samples, sample_rate, scene, rng)
        if spoilt.shape != self.buffer.shape:
            return spoilt
        self.buffer[:] = spoilt
        return self.buffer


@caught_by("corruption/spoils")
class DoesNothing(Sound):
    def video(self, frames, times, scene, rng):
        return frames

    def audio(self, samples, sample_rate, scene, rng):
        return samples


@caught_by("corruption/function-of-time")
class CountsFramesAtSeverityFour(Sound):
    def video(self, frames, times, scene, rng):
        at = np.arange(len(times), dtype=float) if scene == 0.35 else times
        return super().video(frames, at, scene, rng)


@caught_by("corruption/worse-sound")
class LastTwoSeveritiesAreOne(Sound):
    def audio(self, samples, sample_rate, scene, rng):
        return super().audio(samples, sample_rate, min(scene, 0.35), rng)


@caught_by("corruption/worse-picture")
class PictureInReverse(Sound):
    def video(self, frames, times, scene, rng):
        return super().video(frames, times, 0.6 - scene, rng)


@caught_by("corruption/shape-and-dtype")
class ReturnsDoubles(Sound):
    def audio(self, samples, sample_rate, scene, rng):
        spoilt = super().audio(samples, sample_rate, scene, rng)
        return spoilt.astype(np.float64)


@caught_by("corruption/shape-and-dtype")
class StretchesTheSound(Sound):
    """A 2 % faster tape: another rate in all but name."""

    def audio(self, samples, sample_rate, scene, rng):
        spoilt = super().audio(samples, sample_rate, scene, rng)
        places = np.arange(0, samples.shape[1] - 1, 1.02)
        grid = np.arange(samples.shape[1])
        rows = [np.interp(places, grid, row) for row in spoilt]
        return np.asarray(rows, np.float32) if len(places) > 9_000 else spoilt


@caught_by("corruption/any-sound")
class NotANumberForOneSample(Sound):
    def audio(self, samples, sample_rate, scene, rng):
        spoilt = super().audio(samples, sample_rate, scene, rng)
        return spoilt if samples.size > 1 else spoilt * np.float32(np.nan)


@caught_by("corruption/any-sound")
class MixesStereoToMonoWhenMild(Sound):
    def audio(self, samples, sample_rate, scene, rng):
        spoilt = super().audio(samples, sample_rate, scene, rng)
        return spoilt.mean(0, keepdims=True) if scene == 0.1 else spoilt


@caught_by("corruption/any-picture")
class OneFrameFailsAtSeverityThree(Sound):
    def video(self, frames, times, scene, rng):
        if scene == 0.2 and frames.shape[:2] == (1, 64):
            np.diff(times).min()
        return super().video(frames, times, scene, rng)


@caught_by("corruption/silence")
class SilenceInStereo(Sound):
    def audio(self, samples, sample_rate, scene, rng):
        spoilt = super().audio(samples, sample_rate, scene, rng)
        if len(samples) == 2 and not samples.any():
            spoilt[0, 0] = np.inf
        return spoilt


@caught_by("corruption/finite")
class TooLoudInTheMiddle(Sound):
    def audio(self, samples, sample_rate, scene, rng):
        spoilt = super().audio(samples, sample_rate, scene, rng)
        if scene == 0.2:
            spoilt[:, :1] = 101
        return spoilt


@caught_by("corruption/missing-track")
class NeedsSoundInTheMiddle(Sound):
    def scene(self, info, severity, rng):
        strength = super().scene(info, severity, rng)
        return strength if severity != 3 else strength * info.channels / info.channels


@caught_by("corruption/picklable")
class ForgetsOnTheWay(Sound):
    def __init__(self, profile="paper"):
        super().__init__(profile)
        self.gain = np.float32(0.9)

    def __reduce__(self):
        return Revived, (self.profile,)

    def audio(self, samples, sample_rate, scene, rng):
        return self.gain * super().audio(samples, sample_rate, scene, rng)


class Revived(ForgetsOnTheWay):
    def __init__(self, profile="paper"):
        super().__init__(profile)
        self.gain = np.float32(1)


@caught_by("corruption/surroundings")
class SeedsNumPy(Sound):
    def scene(self, info, severity, rng):
        np.random.seed(0)
        return super().scene(info, severity, rng)


@caught_by("corruption/surroundings")
class SilencesNumPy(Sound):
    def audio(self, samples, sample_rate, scene, rng):
        np.seterr(all="ignore")
        return super().audio(samples, sample_rate, scene, rng)


TestQuietly = quiet_tests(sys.modules[__name__], SPEC)


class Cartoon(Corruption):
    """Fewer shades with each severity; it draws nothing and leaves the sound."""

    profiles = ("paper",)

    def scene(self, info, severity, rng):
        return 2 ** (severity + 2)

    def video(self, frames, times, scene, rng):
        return frames // scene * scene

    def audio(self, samples, sample_rate, scene, rng):
        return samples


class Deaf(Sound):
    """Spoils the sound alone, and returns the very frames that it was given."""

    def video(self, frames, times, scene, rng):
        return frames


class Muffled(Sound):
    """One channel alone is spoilt, and in a buffer of another order."""

    def audio(self, samples, sample_rate, scene, rng):
        spoilt = super().audio(samples, sample_rate, scene, rng)
        spoilt[1:] = samples[1:]
        return np.asfortranarray(spoilt)


@pytest.mark.parametrize("unusual", [Cartoon, Deaf, Muffled])
def test_the_unusual_is_not_refused(unusual):
    assert failures(SPEC, unusual) == {}


def test_one_that_is_gone_cannot_be_made_elsewhere():
    subject = Subject(SPEC, Sound)
    (check,) = (c for c in checks_of("corruption") if c.id == "corruption/elsewhere")
    outcome = run_check(check, subject)
    assert outcome.state == "skip"
    assert "gone" in outcome.message
