"""Sound components as ``avplug new`` writes them, and the tests of broken ones."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from avplug.core.discovery import load_file
from avplug.scaffold.naming import Names
from avplug.scaffold.writing import one_file
from avplug.testing.authors import components_of
from avplug.testing.checks import Subject, checks_of, run_check


def healthy(kind):
    """Return descriptor and class of a component as generated."""
    (text,) = one_file(kind, Names("sound")).values()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"{kind}.py"
        file.write_text(text, encoding="utf-8")
        module = load_file(file)
    (spec,) = components_of(module)
    return spec, module.Sound


def failures(spec, target, **options):
    """Return the ids of the checks that a component fails, with what they say."""
    subject = Subject(spec, target, options=options)
    outcomes = [run_check(check, subject) for check in checks_of(spec.kind)]
    return {o.check: o.message for o in outcomes if o.state == "fail"}


def names_of(kind, *classes):
    """Return the sabotaged classes by the check that each is to be caught by."""
    return {f"{kind}/{cls.__name__.replace('_', '-')}": cls for cls in classes}


def sabotage_tests(spec, sound, table, *, specs=None, elsewhere=(), **options):
    """Return a test class: each broken class is caught by its check, and by no other.

    ``specs`` has the descriptors of classes that need one of their own, by class;
    ``elsewhere`` the checks whose sabotage has a test by itself.
    """

    class Sabotage:
        def test_every_check_has_its_sabotage(self):
            there = {check.id for check in checks_of(spec.kind)}
            assert there == {*table, *elsewhere}, there ^ {*table, *elsewhere}

        def test_what_avplug_new_writes_keeps_every_promise(self):
            found = failures(spec, sound, **options)
            assert found == {}, found

        @pytest.mark.parametrize("check", table)
        def test_caught_by_its_check_alone(self, check):
            broken = table[check]
            own = (specs or {}).get(broken, spec)
            found = failures(own, broken, **options)
            assert set(found) == {check}, found

    return Sabotage


def caught_by(check, *, spec=None, **options):
    """Mark a class as broken so that this check alone catches it, quietly as it is.

    ``spec`` is its own descriptor, where that of the sound one does not do.
    """

    def marked(cls):
        cls.caught_by = check, spec, options
        return cls

    return marked


def marked_in(module):
    """Return the marked classes of a test module."""
    own = [c for c in vars(module).values() if isinstance(c, type)]
    return [c for c in own if "caught_by" in vars(c)]


def checks_of_marked(module):
    """Return the ids of the checks that catch the marked classes of a test module."""
    return {cls.caught_by[0] for cls in marked_in(module)}


def quiet_tests(module, sound_spec, **options):
    """Return a test class: each marked class of a module is caught by its check alone.

    They break a promise where a first glance does not look.
    """

    class Quietly:
        @pytest.mark.parametrize("broken", marked_in(module), ids=lambda c: c.__name__)
        def test_caught_by_its_check_alone(self, broken):
            check, spec, own = broken.caught_by
            found = failures(spec or sound_spec, broken, **{**options, **own})
            assert {*found} == {check}, found

    return Quietly
