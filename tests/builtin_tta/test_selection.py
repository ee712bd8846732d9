import math

import pytest
import torch

from avplug.builtin_tta.entropy import entropy
from avplug.builtin_tta.selection import Selection


def test_entropy_of_known_predictions() -> None:
    logits = torch.tensor([[0.0, 0.0, 0.0, 0.0], [100.0, 0.0, 0.0, 0.0]])
    torch.testing.assert_close(entropy(logits), torch.tensor([math.log(4), 0.0]))


def test_entropy_of_half_precision_is_computed_in_single() -> None:
    logits = torch.randn(3, 309, generator=torch.Generator().manual_seed(0))
    half = entropy(logits.bfloat16())
    assert half.dtype == torch.float32
    assert torch.equal(half, entropy(logits.bfloat16().float()))


def test_reliable_predictions_weigh_more_the_surer_they_are() -> None:
    selection = Selection(0.4, "auto")
    entropies = torch.tensor([0.0, 0.5, 0.4 * math.log(10), 2.0])
    choice = selection.choose(torch.full((4, 10), 0.1), entropies)
    assert choice.reliable.tolist() == [True, True, False, False]
    assert torch.equal(choice.selected, choice.reliable)
    expected = [math.exp(0.4 * math.log(10) - h) for h in (0.0, 0.5)]
    assert choice.weights.tolist() == pytest.approx([*expected, 0.0, 0.0])


def test_predictions_like_earlier_ones_are_left_out() -> None:
    selection = Selection(0.4, 0.4)
    sure = torch.eye(3)
    zeros = torch.zeros(3)
    selection.remember(sure, torch.tensor([True, False, False]))
    choice = selection.choose(sure, zeros)
    assert choice.reliable.tolist() == [True, True, True]
    assert choice.selected.tolist() == [False, True, True]
    assert (choice.weights > 0).tolist() == choice.selected.tolist()
    selection.clear()
    assert selection.choose(sure, zeros).selected.all()


def test_the_mean_moves_by_a_tenth() -> None:
    selection = Selection(0.4, 0.12)
    sure = torch.eye(3)
    selection.remember(sure, torch.tensor([True, False, False]))
    selection.remember(sure, torch.tensor([False, True, True]))
    # The mean is now .9, .05, .05: the cosine with the second is .055.
    assert selection.choose(sure, torch.zeros(3)).selected.tolist() == [
        False,
        True,
        True,
    ]
    tight = Selection(0.4, 0.05)
    tight.remember(sure, torch.tensor([True, False, False]))
    tight.remember(sure, torch.tensor([False, True, True]))
    assert not tight.choose(sure, torch.zeros(3)).selected.any()


@pytest.mark.parametrize(
    ("classes", "margin"), [(12, 0.456), (309, 0.090), (1000, 0.05)]
)
def test_auto_depends_on_the_number_of_classes(classes: int, margin: float) -> None:
    selection = Selection(0.4, "auto")
    mean = torch.zeros(1, classes)
    mean[0, 0] = 1
    selection.remember(mean, torch.tensor([True]))
    cosines = torch.tensor([margin - 0.001, margin + 0.001])
    probabilities = torch.zeros(2, classes)
    probabilities[:, 0], probabilities[:, 1] = cosines, (1 - cosines**2).sqrt()
    choice = selection.choose(probabilities, torch.zeros(2))
    assert choice.selected.tolist() == [True, False]
