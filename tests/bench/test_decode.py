from dataclasses import dataclass, field
from typing import Any, Literal

import pytest

from avplug.bench.decode import decode
from avplug.core.errors import UsageError


@dataclass
class Settings:
    severities: tuple[int, ...] = ()
    corruptions: tuple[str, ...] = ()
    lr: float = 0.1
    order: Literal["fixed", "shuffled"] = "fixed"
    limit: int | None = None
    report: bool = True
    options: dict[str, dict[str, Any]] = field(default_factory=dict)


def test_plain_data_becomes_a_dataclass():
    got = decode(
        Settings,
        {
            "severities": [1, 5],
            "lr": 1,
            "limit": None,
            "options": {"tent": {"lr": 1e-3}},
        },
        "run.toml",
    )
    assert got == Settings(severities=(1, 5), lr=1.0, options={"tent": {"lr": 1e-3}})
    assert isinstance(got.lr, float)


def test_every_fault_is_told_at_once():
    with pytest.raises(UsageError) as caught:
        decode(
            Settings,
            {
                "severities": [1, "9"],
                "corruptions": "gaussian",
                "lr": "abc",
                "ordr": "fixed",
            },
            "run.toml",
        )
    assert caught.value.message.split("\n") == [
        "run.toml: severities[1] is '9'; expected a whole number.",
        "run.toml: corruptions is 'gaussian'; write a list: ['gaussian'].",
        "run.toml: lr is 'abc'; expected a number.",
        "run.toml: ordr is unknown. Did you mean 'order'?",
    ]


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("limit", True, "limit is True; expected a whole number."),
        ("report", 1, "report is 1; expected true or false."),
        ("order", "random", "order is 'random'; allowed: 'fixed', 'shuffled'."),
        ("options", [1], "options is [1]; write a table of keys and values."),
        ("zzz", 1, "zzz is unknown. Keys: corruptions, limit, lr, options, order,"),
    ],
)
def test_nothing_is_coerced(key, value, said):
    with pytest.raises(UsageError) as caught:
        decode(Settings, {key: value}, "f")
    assert caught.value.message.startswith(f"f: {said}")
