import math

import pytest
import torch

from avplug.builtin_tta.sumi import SuMi, most_entropy
from avplug.core.adaptation import Stream
from avplug.core.errors import CapabilityError, UsageError
from tests.builtin_tta.tinyav import TinyAV, stream, what_comes


class Counting(TinyAV):
    """Notes which parts ran."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[str] = []

    def encode(self, batch: object) -> torch.Tensor:
        self.calls.append("encode")
        return super().encode(batch)

    def unimodal(self, tokens: torch.Tensor, *, padded: bool = False) -> object:
        self.calls.append(f"unimodal {padded}")
        return super().unimodal(tokens, padded=padded)


def test_the_three_answers_share_the_encoders() -> None:
    model = Counting()
    sumi = SuMi(model, predicts="pre")
    sumi.begin(what_comes())
    sumi.step(stream()[0])
    assert model.calls == ["encode", "unimodal False"]


@pytest.mark.parametrize(
    ("options", "padded"),
    [
        ({"profile": "released"}, True),
        ({"profile": "released", "padded": False}, False),
        ({"padded": True}, True),
    ],
)
def test_padding_follows_the_profile_unless_told(
    options: dict[str, object], padded: bool
) -> None:
    model = Counting()
    sumi = SuMi(model, **options)
    sumi.begin(what_comes())
    sumi.step(stream()[0])
    assert f"unimodal {padded}" in model.calls


def test_only_the_released_limit_is_the_same_for_any_number_of_classes() -> None:
    assert most_entropy("paper", 32) == pytest.approx(0.4 * math.log(32))
    assert most_entropy("released", 32) == most_entropy("released", 309)
    assert most_entropy("released", 2) == pytest.approx(2.4539, abs=1e-4)


def test_the_place_in_the_stream_counts_and_beyond_its_end_nothing_changes() -> None:
    kept = {}
    for length in (2, 8, 1000):
        sumi = SuMi(TinyAV(), lr=1e-9)
        sumi.begin(Stream(length, 16 * length, 0))
        for batch in stream():
            sumi.step(batch)
        kept[length] = sumi.diagnostics()["selected"]
    assert kept[1000] < kept[8] < kept[2]


def test_a_stream_of_unknown_length_is_refused() -> None:
    with pytest.raises(CapabilityError, match="how many will come"):
        SuMi(TinyAV()).step(stream()[0])


def test_an_unknown_profile_is_refused() -> None:
    with pytest.raises(UsageError, match="Did you mean 'released'"):
        SuMi(TinyAV(), profile="release")
