"""Sound components to be broken: the class of each kind as ``avplug new`` writes it."""

from __future__ import annotations

import tempfile
from pathlib import Path

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
