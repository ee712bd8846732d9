"""Executors that break a promise where a first glance does not look."""

import sys
import threading

import pytest

from avplug.core.components import PublishedSpec
from avplug.core.executor import Executor
from avplug.core.published import PublishedNumber, PublishedResults
from tests.testing.healthy import caught_by, failures, healthy, quiet_tests

SPEC, Sound = healthy("executor")


@caught_by("executor/many-tasks")
class LosesTheTwentyFirst(Sound):
    def run(self, tasks, work, tell):
        yield from super().run(tasks[:20], work, tell)


@caught_by("executor/many-tasks")
class EmptiesTheList(Sound):
    def run(self, tasks, work, tell):
        yield from super().run(list(tasks), work, tell)
        if len(tasks) > 6:
            tasks.clear()


@caught_by("executor/used-twice")
class WorksOnce(Sound):
    spent = False

    def run(self, tasks, work, tell):
        if self.spent:
            return
        self.spent = True
        yield from super().run(tasks, work, tell)


@caught_by("executor/own-outcome")
class MixesUpThree(Sound):
    def run(self, tasks, work, tell):
        found = list(super().run(tasks, work, tell))
        outcomes = [outcome for _, outcome in found]
        if len(tasks) == 4:
            outcomes[:3] = outcomes[1], outcomes[2], outcomes[0]
        yield from zip([task for task, _ in found], outcomes, strict=True)


@caught_by("executor/failures")
class LosesWhatIsRaised(Sound):
    def run(self, tasks, work, tell):
        for task, outcome in super().run(tasks, work, tell):
            yield task, None if isinstance(outcome, ValueError) else outcome


@caught_by("executor/tells-here")
class TellsFromItsThreads(Sound):
    def run(self, tasks, work, tell):
        def told(task, clips):
            thread = threading.Thread(target=tell, args=(task, clips))
            thread.start()
            thread.join()

        yield from super().run(tasks, work, told)


TestQuietly = quiet_tests(sys.modules[__name__], SPEC)


class AllAtOnce(Executor):
    """Each task in a thread, told and yielded at the end, in no order."""

    remote = False

    def run(self, tasks, work, tell):
        found = {}

        def do(task):
            ticks = []
            try:
                found[task] = work(task, ticks.append), ticks
            except Exception as error:
                found[task] = error, ticks

        threads = [threading.Thread(target=do, args=(task,)) for task in tasks]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for task, (outcome, ticks) in found.items():
            tell(task, 0)
            for clips in ticks:
                tell(task, clips)
            yield task, outcome


def test_the_unusual_is_not_refused():
    assert failures(SPEC, AllAtOnce) == {}


@pytest.mark.parametrize(
    ("place", "value", "says"),
    [("Table 1", 61.5, ""), ("Table 1", float("nan"), "nan"), ("", 61.5, "stands")],
)
def test_published_numbers_are_finite_and_have_a_place(place, value, says):
    row = PublishedNumber(place, "ave", "cav-mae", "none", "clean", "0", "top1", value)
    results = PublishedResults((row,))
    found = failures(PublishedSpec("paper", "x:y"), lambda: results)
    assert ({*found} == {"published/numbers"}) == bool(says)
    assert says in found.get("published/numbers", "")
