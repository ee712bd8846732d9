"""Options of a model: taken from plain values, and checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, ClassVar, Self

from avplug.core.errors import UsageError, closest


class Options:
    """Base class of the frozen data classes that tell one model from another.

    A subclass checks its values in ``__post_init__``, and names the fields in it that
    do not fit.
    """

    __slots__ = ()

    #: Name of the model in messages.
    title: ClassVar[str]

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> Self:
        """Return the options of plain values, such as JSON holds.

        Raises:
            UsageError: An option is unknown, or a value does not fit.
        """
        known = [field.name for field in fields(cls)]  # type: ignore[arg-type]
        for name in options:
            if name not in known:
                raise UsageError(
                    f"{cls.title} has no option {name!r}.{closest(name, known)}",
                    f"Options: {', '.join(known)}.",
                )
        return cls(**{name: cls.taken(name, value) for name, value in options.items()})

    @classmethod
    def taken(cls, name: str, value: Any) -> Any:
        """Return what an option's plain value stands for; a list is a tuple."""
        return tuple(value) if isinstance(value, list) else value


def one_of(name: str, value: object, choices: tuple[str, ...]) -> None:
    """Make sure that an option has one of its values.

    Raises:
        UsageError: It has another.
    """
    if value not in choices:
        raise UsageError(
            f"Unknown {name} {value!r}.{closest(str(value), choices)}",
            f"Possible: {', '.join(choices)}.",
        )


def multiple_of(options: Options, name: str, part: str | int) -> None:
    """Make sure that an option is a multiple of another one, or of a number.

    Raises:
        UsageError: It is not.
    """
    value = getattr(options, name)
    step = getattr(options, part) if isinstance(part, str) else part
    if value % step:
        what = f"{part} {step}" if isinstance(part, str) else step
        raise UsageError(f"{name} {value} is not a multiple of {what}.")


def check_picks(picks: tuple[int, ...], grid: int) -> None:
    """Make sure that picks are parts of a clip.

    Raises:
        UsageError: There is none, or one is no part.
    """
    if not picks or not all(0 <= pick < grid for pick in picks):
        raise UsageError(f"picks {list(picks)} are not parts 0..{grid - 1} of a clip.")
