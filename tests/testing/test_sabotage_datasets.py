"""A data set that breaks one promise is caught by its check, and by no other."""

from dataclasses import replace

import numpy as np

from avplug.core.clip import ClipRef
from avplug.testing.checks import checks_of
from tests.testing import test_quiet_datasets as quiet_ones
from tests.testing.healthy import checks_of_marked, healthy, names_of, sabotage_tests

SPEC, Sound = healthy("dataset")


class stable_order(Sound):
    made = 0

    def __init__(self, **options):
        super().__init__(**options)
        type(self).made += 1
        self.clips = self.clips[self.made % 2 :]


class unique_ids(Sound):
    def __init__(self, **options):
        super().__init__(**options)
        self.clips[1] = ClipRef(self.clips[0].id, self.clips[1].labels)


class labels_in_range(Sound):
    def __init__(self, **options):
        super().__init__(**options)
        self.clips[1] = ClipRef(self.clips[1].id, (3,))


class number_of_classes(Sound):
    def __init__(self, **options):
        super().__init__(**options)
        self.labels = (*self.labels, "never")


class clips_open(Sound):
    def load(self, ref, spec):
        # Of the twelve clips that are opened, but none of the four.
        if ref.id == self.clips[5].id:
            raise OSError("no such file")
        return super().load(ref, spec)


class as_asked_for(Sound):
    def load(self, ref, spec):
        return super().load(ref, replace(spec, size=spec.size // 2))


class clip_id(Sound):
    def load(self, ref, spec):
        return replace(super().load(ref, spec), id="clip")


class repeatable(Sound):
    def load(self, ref, spec):
        clip = super().load(ref, spec)
        noise = np.random.default_rng().random(clip.audio.shape, np.float32)
        return clip.with_media(audio=clip.audio + noise)


class quiet(Sound):
    def __init__(self, **options):
        super().__init__(**options)
        print(len(self.clips))  # noqa: T201


TABLE = names_of(
    "dataset",
    *(stable_order, unique_ids, labels_in_range, number_of_classes, clips_open),
    *(as_asked_for, clip_id, repeatable, quiet),
)
TestSabotage = sabotage_tests(
    SPEC, Sound, TABLE, elsewhere=checks_of_marked(quiet_ones)
)


def test_one_that_is_read_from_disk_is_asked_for_its_folder():
    from avplug.testing.checks import Subject, run_check

    subject = Subject(replace(SPEC, needs_root=True), Sound)
    outcomes = {run_check(c, subject).message for c in checks_of("dataset")}
    # Its constructor can be looked at all the same.
    assert outcomes - {""} == {"it is read from disk; say where: -o sound.root=FOLDER"}
