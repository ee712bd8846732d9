"""Executors and suites that break one promise are caught by its check alone."""

from avplug.core.components import SuiteSpec
from tests.testing import test_quiet_executors as quiet_ones
from tests.testing.healthy import (
    checks_of_marked,
    failures,
    healthy,
    names_of,
    sabotage_tests,
)

SPEC, Sound = healthy("executor")


class each_task_once(Sound):
    def run(self, tasks, work, tell):
        last = None
        for last in super().run(tasks, work, tell):
            yield last
        if len(tasks) > 5:
            yield last


class own_outcome(Sound):
    def run(self, tasks, work, tell):
        done = list(super().run(tasks, work, tell))
        outcomes = [outcome for _, outcome in done]
        if len(done) == 4:
            outcomes.reverse()
        yield from zip((task for task, _ in done), outcomes, strict=True)


class failures_(Sound):
    def run(self, tasks, work, tell):
        for task, outcome in super().run(tasks, work, tell):
            yield task, str(outcome) if isinstance(outcome, Exception) else outcome


class nothing_to_do(Sound):
    def run(self, tasks, work, tell):
        if not tasks:
            raise IndexError("no task")
        yield from super().run(tasks, work, tell)


class tells(Sound):
    def run(self, tasks, work, tell):
        yield from super().run(tasks, work, lambda task, clips: None)


class can_be_closed(Sound):
    def run(self, tasks, work, tell):
        return iter(list(super().run(tasks, work, tell)))


class quiet(Sound):
    def run(self, tasks, work, tell):
        print(len(tasks))  # noqa: T201
        yield from super().run(tasks, work, tell)


TABLE = names_of(
    "executor",
    *(each_task_once, own_outcome, nothing_to_do, tells, can_be_closed, quiet),
) | {"executor/failures": failures_}
TestSabotage = sabotage_tests(
    SPEC, Sound, TABLE, elsewhere=checks_of_marked(quiet_ones)
)


def test_a_suite_with_a_key_that_no_run_has():
    spec = SuiteSpec("mine", "x:y")
    assert failures(spec, lambda: {"severities": [1, 5]}) == {}
    found = failures(spec, lambda: {"severitys": [1, 5]})
    assert "severitys" in found["suite/configuration"]
