"""Data sets that break a promise where a first glance does not look."""

import os
import sys
from dataclasses import replace

import numpy as np
import pytest

from avplug.core.clip import ClipRef
from tests.testing.healthy import caught_by, failures, healthy, quiet_tests

SPEC, Sound = healthy("dataset")


@caught_by("dataset/constructor")
class HasNoSplits(Sound):
    def __init__(self, *, root=None, size=60):
        super().__init__(size=size)


@caught_by("dataset/elsewhere")
class GoesThroughASet(Sound):
    def __init__(self, **options):
        super().__init__(**options)
        known = {ref.id: ref for ref in self.clips}
        self.clips = [known[name] for name in set(known)]


@caught_by("dataset/elsewhere")
class HashesTheId(Sound):
    def load(self, ref, spec):
        clip = super().load(ref, spec)
        shift = np.float32(hash(ref.id) / 2**64)
        return clip.with_media(audio=clip.audio + shift)


@caught_by("dataset/fingerprint")
class FingerprintOfTheNames(Sound):
    def fingerprint(self, clips=None):
        return super().fingerprint([ClipRef(c.id, (0,)) for c in clips or self.clips])


@caught_by("dataset/fingerprint")
class FingerprintOfTheWhole(Sound):
    def fingerprint(self, clips=None):
        return super().fingerprint()


@caught_by("dataset/unique-ids")
class IdsOfTheFolderOnly(Sound):
    def __init__(self, **options):
        super().__init__(**options)
        last = self.clips[-1]
        self.clips[-1] = ClipRef(self.clips[0].id, last.labels)


@caught_by("dataset/labels-in-range")
class LabelsFromOne(Sound):
    def __init__(self, **options):
        super().__init__(**options)
        self.clips = [ClipRef(c.id, (c.labels[0] + 1,)) for c in self.clips]

    def load(self, ref, spec):
        return super().load(ClipRef(ref.id, (ref.labels[0] - 1,)), spec)


@caught_by("dataset/labels-in-range")
class LabelsAreFloats(Sound):
    def __init__(self, **options):
        super().__init__(**options)
        self.clips = [ClipRef(c.id, (float(c.labels[0]),)) for c in self.clips]

    def load(self, ref, spec):
        return super().load(ClipRef(ref.id, (int(ref.labels[0]),)), spec)


@caught_by("dataset/labels-in-range")
class OneClipOfNoClass(Sound):
    def __init__(self, **options):
        super().__init__(**options)
        self.clips[7] = ClipRef(self.clips[7].id, (-1,))


@caught_by("dataset/whatever-is-asked-for")
class KeepsTheFirstRequest(Sound):
    """Decodes a clip once, and gives it to whoever asks, in whatever size."""

    def __init__(self, **options):
        super().__init__(**options)
        self.known = {}

    def load(self, ref, spec):
        if ref.id not in self.known:
            self.known[ref.id] = super().load(ref, spec)
        return self.known[ref.id]


@caught_by("dataset/whatever-is-asked-for")
class CannotKeepItsSize(Sound):
    def load(self, ref, spec):
        return super().load(ref, replace(spec, size=spec.size // (spec.size > 0)))


@caught_by("dataset/as-asked-for")
class TimesFall(Sound):
    def load(self, ref, spec):
        clip = super().load(ref, spec)
        return replace(clip, times=clip.times[::-1].copy())


@caught_by("dataset/as-asked-for")
class StatesTheRateOnly(Sound):
    """Of another rate than was asked for."""

    def load(self, ref, spec):
        return super().load(ref, replace(spec, sample_rate=spec.sample_rate * 2))


@caught_by("dataset/repeatable")
class NumPysNoise(Sound):
    def load(self, ref, spec):
        clip = super().load(ref, spec)
        noise = np.random.standard_normal(clip.audio.shape)
        return clip.with_media(audio=clip.audio + noise.astype(np.float32))


@caught_by("dataset/picklable")
class HoldsAFile(Sound):
    def __init__(self, **options):
        super().__init__(**options)
        self.held = lambda: None


@caught_by("dataset/surroundings")
class GoesToItsFolder(Sound):
    def load(self, ref, spec):
        os.chdir("/")
        return super().load(ref, spec)


@caught_by("dataset/surroundings")
class SeedsNumPy(Sound):
    def __init__(self, **options):
        super().__init__(**options)
        np.random.seed(0)


TestQuietly = quiet_tests(sys.modules[__name__], SPEC)


class TwoClips(Sound):
    """Two clips, of two of its three classes."""

    def __init__(self, *, split="test", root=None, size=2, **more):
        super().__init__(split=split, size=size)
        self.clips = tuple(self.clips)


class OneClip(Sound):
    def __init__(self, *, split="test", root=None):
        super().__init__(split=split, size=1)


@pytest.mark.parametrize("unusual", [TwoClips, OneClip])
def test_the_unusual_is_not_refused(unusual):
    assert failures(SPEC, unusual) == {}
