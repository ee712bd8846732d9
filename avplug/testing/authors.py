"""One test id for each component and check of a plugin, for its author's pytest."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from avplug.core import hookspecs
from avplug.core.components import KINDS, ComponentSpec
from avplug.core.errors import MissingExtraError
from avplug.core.inspection import check_components, hooks_of
from avplug.core.targets import load_target
from avplug.testing.checks import Check, Subject, checks_of, run_check

if TYPE_CHECKING:
    import pytest


@dataclass(frozen=True, slots=True)
class BoundCheck:
    """A check of one component; calling it runs it.

    Raises (when called):
        AssertionError: The promise is broken.
        Skipped: It does not apply.
    """

    check: Check
    spec: ComponentSpec
    provider: str
    options: Mapping[str, Any]
    seed: int

    @property
    def id(self) -> str:
        """The test's id: ``name-kind/check``."""
        return f"{self.spec.name}-{self.check.id}"

    def __call__(self) -> None:
        """Run it."""
        import pytest

        try:
            target = load_target(self.spec, self.provider)
        except MissingExtraError as error:
            pytest.skip(str(error))
        subject = Subject(self.spec, target, self.seed, self.options)
        outcome = run_check(self.check, subject)
        if outcome.state == "skip":
            pytest.skip(outcome.message)
        if outcome.state == "fail":
            raise AssertionError(f"{self.check.promise} {outcome.message}")


def components_of(plugin: object) -> tuple[ComponentSpec, ...]:
    """Return the descriptors that a plugin's hooks give.

    Raises:
        PluginError: A hook is unmarked, or returns something else.
    """
    known = [name for name in vars(hookspecs) if name.startswith("avplug_")]
    hooks, _ = hooks_of(plugin, known)
    return tuple(
        spec
        for hook, spec_type in KINDS.values()
        if hook in hooks
        for spec in check_components(hook, getattr(plugin, hook)(), spec_type)
    )


def parametrize_with_checks(
    plugin: object,
    *,
    expected_failed_checks: Mapping[str, str] | None = None,
    options: Mapping[str, Mapping[str, Any]] | None = None,
    seed: int = 0,
) -> pytest.MarkDecorator:
    """Give a test every check of every component of a plugin, as ``check``.

    Args:
        plugin: The module (or object) with the hooks.
        expected_failed_checks: Reasons by check id (``"corruption/worse-sound"``), or
            by ``"name-kind/check"`` for one component; they fail the test when they
            pass after all.
        options: Constructor's options by component name, such as a data set's root.
        seed: Of everything random in the checks.

    Returns:
        A decorator for a test function that takes ``check`` and calls it.

    Raises:
        ValueError: An expected failure names no check.
    """
    import pytest

    expected = dict(expected_failed_checks or {})
    given = options or {}
    bound = [
        BoundCheck(check, spec, _provider(plugin), given.get(spec.name, {}), seed)
        for spec in components_of(plugin)
        for check in checks_of(spec.kind)
    ]
    unknown = set(expected) - {n for each in bound for n in (each.id, each.check.id)}
    if unknown:
        raise ValueError(f"There is no check {', '.join(sorted(unknown))}.")

    def marks(each: BoundCheck) -> tuple[pytest.MarkDecorator, ...]:
        reason = expected.get(each.id, expected.get(each.check.id))
        if reason is None:
            return ()
        return (pytest.mark.xfail(reason=reason, strict=True, raises=AssertionError),)

    parameters = [pytest.param(each, id=each.id, marks=marks(each)) for each in bound]
    decorate: Callable[..., pytest.MarkDecorator] = pytest.mark.parametrize
    return decorate("check", parameters)


def _provider(plugin: object) -> str:
    return str(getattr(plugin, "__name__", type(plugin).__name__))
