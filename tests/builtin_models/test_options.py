"""Options are read and checked in one place, for every model alike."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import ClassVar

import pytest

from avplug.builtin_models.options import Options, check_picks, multiple_of, one_of
from avplug.core.errors import UsageError


@dataclass(frozen=True, slots=True)
class Toy(Options):
    title: ClassVar[str] = "Toy"

    width: int = 8
    heads: int = 2
    depths: tuple[int, ...] = (1, 2)

    def __post_init__(self) -> None:
        multiple_of(self, "width", "heads")
        multiple_of(self, "width", 4)


@dataclass(frozen=True, slots=True)
class Larger(Toy):
    title: ClassVar[str] = "Larger"

    rule: str = "mean"

    @classmethod
    def taken(cls, name: str, value: object) -> object:
        return "sum" if value == "+" else Options.taken(name, value)


def test_plain_values_come_back_as_options_and_options_as_plain_values() -> None:
    sizes = Toy.from_options({"depths": [3, 4], "heads": 4})
    assert sizes == Toy(8, 4, (3, 4))
    assert Toy.from_options(asdict(sizes)) == sizes


def test_a_subclass_says_what_a_value_stands_for() -> None:
    larger = Larger.from_options({"rule": "+", "depths": [5]})
    assert (larger.rule, larger.depths) == ("sum", (5,))


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        (Toy, {"widht": 4}, "Toy has no option 'widht'. Did you mean 'width'?"),
        (Toy, {"rule": "sum"}, "Toy has no option 'rule'"),
        (Larger, {"rul": "sum"}, "Larger has no option 'rul'. Did you mean 'rule'?"),
        (Toy, {"heads": 3}, "width 8 is not a multiple of heads 3"),
        (Larger, {"width": 6}, "width 6 is not a multiple of 4"),
    ],
)
def test_what_does_not_fit_is_named(
    kind: type[Toy], options: dict[str, object], message: str
) -> None:
    with pytest.raises(UsageError) as caught:
        kind.from_options(options)
    assert message in str(caught.value)


def test_values_out_of_a_list_and_picks_out_of_a_clip_are_refused() -> None:
    one_of("fusion", "sum", ("sum", "mean"))
    with pytest.raises(UsageError, match="Unknown fusion 'men'"):
        one_of("fusion", "men", ("sum", "mean"))
    check_picks((0, 9), 10)
    for picks in ((), (10,), (-1,)):
        with pytest.raises(UsageError, match=r"are not parts 0\.\.9 of a clip"):
            check_picks(picks, 10)
