"""A corruption that breaks one promise is caught by its check, and by no other."""

import time

import numpy as np

from avplug.core.randomness import KeyedRandom
from tests.testing import test_quiet_corruptions as quiet_ones
from tests.testing.healthy import (
    checks_of_marked,
    failures,
    healthy,
    names_of,
    sabotage_tests,
)

SPEC, Sound = healthy("corruption")


class pure(Sound):
    def audio(self, samples, sample_rate, scene, rng):
        spoilt = super().audio(samples, sample_rate, scene, rng)
        samples[:] = 0
        return spoilt


class repeatable(Sound):
    def audio(self, samples, sample_rate, scene, rng):
        # Looks at the global generator without moving it on.
        seed = int(np.random.get_state()[1][0])
        return super().audio(samples, sample_rate, scene, rng.stream(seed))


class keyed_by_clip(Sound):
    def video(self, frames, times, scene, rng):
        return super().video(frames, times, scene, KeyedRandom((rng.key[0],)))

    def audio(self, samples, sample_rate, scene, rng):
        return super().audio(samples, sample_rate, scene, KeyedRandom((rng.key[0],)))


class stateless(Sound):
    calls = 0

    def audio(self, samples, sample_rate, scene, rng):
        self.calls += 1
        spoilt = super().audio(samples, sample_rate, scene, rng)
        return spoilt if self.calls < 3 else spoilt * np.float32(1.01)


class picklable(Sound):
    def __init__(self, profile="paper"):
        super().__init__(profile)
        self.held = lambda: None


class function_of_time(Sound):
    def video(self, frames, times, scene, rng):
        indices = np.arange(len(times), dtype=float)
        return super().video(frames, indices, scene, rng)


class worse_picture(Sound):
    def video(self, frames, times, scene, rng):
        return super().video(frames, times, min(scene, 0.3), rng)


class worse_sound(Sound):
    def audio(self, samples, sample_rate, scene, rng):
        return super().audio(samples, sample_rate, min(scene, 0.3), rng)


class profiles(Sound):
    profiles = ("paper", "released")


class facts(Sound):
    def facts(self):
        return {"noise": {1, 2}}


class speed(Sound):
    def video(self, frames, times, scene, rng):
        if frames.shape[1] == 224:
            time.sleep(2.1)
        return super().video(frames, times, scene, rng)


class quiet(Sound):
    def scene(self, info, severity, rng):
        print("severity", severity)  # noqa: T201
        return super().scene(info, severity, rng)


class shape_and_dtype(Sound):
    def audio(self, samples, sample_rate, scene, rng):
        spoilt = super().audio(samples, sample_rate, scene, rng)
        return spoilt.astype(np.float64) if scene == 0.2 else spoilt


class finite(Sound):
    def audio(self, samples, sample_rate, scene, rng):
        return 300 * super().audio(samples, sample_rate, scene, rng)


class any_picture(Sound):
    def video(self, frames, times, scene, rng):
        if frames.shape[1] % 2:
            raise ValueError("even sizes only")
        return super().video(frames, times, scene, rng)


class any_sound(Sound):
    def audio(self, samples, sample_rate, scene, rng):
        if samples.shape[0] > 1:
            raise ValueError("mono only")
        return super().audio(samples, sample_rate, scene, rng)


class silence(Sound):
    def audio(self, samples, sample_rate, scene, rng):
        if not samples.any():
            return samples * np.float32(np.nan)
        return super().audio(samples, sample_rate, scene, rng)


class missing_track(Sound):
    def scene(self, info, severity, rng):
        1 / info.height / info.sample_rate
        return super().scene(info, severity, rng)


TABLE = names_of(
    "corruption",
    *(pure, repeatable, keyed_by_clip, stateless, picklable, function_of_time),
    *(worse_picture, worse_sound, profiles, facts, speed, quiet),
    *(shape_and_dtype, finite, any_picture, any_sound, silence, missing_track),
)
TestSabotage = sabotage_tests(
    SPEC, Sound, TABLE, elsewhere=checks_of_marked(quiet_ones)
)


def test_a_distortion_may_be_declared():
    class Late(Sound):
        """Only a delay: its difference does not grow."""

        def audio(self, samples, sample_rate, scene, rng):
            return np.roll(samples, round(200 * scene), axis=1)

        def distortion(self, clean, spoilt):
            shift = np.argmax(np.correlate(spoilt.audio[0], clean.audio[0][500:-500]))
            picture = spoilt.frames.astype(float) - clean.frames
            return np.abs(picture).mean(), abs(shift - 500.0)

    assert "corruption/worse-sound" not in failures(SPEC, Late)


def test_saying_why_not_is_allowed():
    from avplug import UsageError

    class Choosy(Sound):
        def video(self, frames, times, scene, rng):
            if frames.shape[1] % 2:
                raise UsageError("Choosy needs an even height.")
            return super().video(frames, times, scene, rng)

    assert "corruption/any-picture" not in failures(SPEC, Choosy)


def test_untouched_senses_are_not_asked_to_grow_worse():
    class Blind(Sound):
        def video(self, frames, times, scene, rng):
            return frames.copy()

    assert "corruption/worse-picture" not in failures(SPEC, Blind)
