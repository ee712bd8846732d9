"""The terms of the methods' losses, against other ways to compute them."""

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import rankdata
from torch.distributions import Normal, kl_divergence

from avplug.builtin_tta.abpem import attention_divergence, gaussian_divergence
from avplug.builtin_tta.anchor import Anchor
from avplug.builtin_tta.balance import balance_of, check_balance
from avplug.builtin_tta.pta import ascending_ranks, discrepancy, partition
from avplug.builtin_tta.sumi import central, misalignment
from avplug.core.errors import UsageError
from avplug.core.model import JointAttention, PerSense


def draws(*shape: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def test_balance_is_largest_where_answers_spread() -> None:
    one = torch.eye(4, dtype=torch.float64)[[0, 0, 0, 0]]
    each = torch.eye(4, dtype=torch.float64)
    for kind in ("double", "fixed"):
        assert balance_of(each, kind).item() == pytest.approx(math.log(4))
        assert balance_of(one, kind) < balance_of(each, kind)
    assert balance_of(one, "fixed").item() == 0


def test_the_double_softmax_depends_on_the_batch_size_and_the_mean_does_not() -> None:
    probabilities = draws(3, 5).softmax(-1)
    twice = probabilities.repeat(2, 1)
    assert balance_of(twice, "double") < balance_of(probabilities, "double") - 1e-3
    torch.testing.assert_close(
        balance_of(twice, "fixed"), balance_of(probabilities, "fixed")
    )


def test_the_mean_answer_may_underflow() -> None:
    logits = torch.tensor([[0.0, -200.0]], requires_grad=True)
    balance_of(logits.softmax(-1), "fixed").backward()
    assert logits.grad.isfinite().all()


@given(arrays(np.float64, st.integers(1, 12), elements=st.integers(0, 4)))
def test_ranks_are_those_of_scipy(values: np.ndarray) -> None:
    expected = rankdata(values) / len(values)
    got = ascending_ranks(torch.from_numpy(values))
    np.testing.assert_allclose(got.numpy(), expected, rtol=1e-6)


@given(st.lists(st.integers(0, 5), min_size=1, max_size=20))
def test_sides_are_the_signs_of_rarity(answers: list[int]) -> None:
    logits = torch.nn.functional.one_hot(torch.tensor(answers), 6).double()
    rarity, sides = partition(logits)
    share = np.array([answers.count(a) for a in answers]) / len(answers)
    expected = np.tanh(1 / len(set(answers)) - share)
    np.testing.assert_allclose(rarity.numpy(), expected, atol=1e-12)
    expected[np.abs(expected) < 1e-9] = 0
    assert sides.tolist() == np.sign(expected).tolist()


def test_discrepancy_is_that_of_the_definition_and_has_its_gradient() -> None:
    first, second = draws(3, 7).requires_grad_(), draws(2, 7, seed=1).requires_grad_()
    rows = torch.cat([first, second]).detach()
    between = sorted(
        ((rows[i] - rows[j]) ** 2).sum().item() for j in range(5) for i in range(j)
    )
    width = between[(len(between) - 1) // 2] / 2

    def naive() -> torch.Tensor:
        def kernel(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
            return (-((a[:, None] - b[None]) ** 2).sum(-1) / width).exp().mean()

        return kernel(first, first) + kernel(second, second) - 2 * kernel(first, second)

    torch.testing.assert_close(discrepancy(first, second), naive())
    got = torch.autograd.grad(discrepancy(first, second), (first, second))
    wanted = torch.autograd.grad(naive(), (first, second))
    for a, b in zip(got, wanted, strict=True):
        torch.testing.assert_close(a, b)


def test_single_precision_distances_survive_a_far_origin() -> None:
    first, second = draws(4, 50), 0.3 + draws(4, 50, seed=1)
    exact = discrepancy(first, second)
    shifted = discrepancy((first + 100).float(), (second + 100).float())
    assert shifted.item() == pytest.approx(exact.item(), abs=1e-4)


def test_gaussian_divergence_is_that_of_torch() -> None:
    first, second = 1 + 2 * draws(3, 4, 5), draws(3, 6, 2, seed=1)
    fits = [Normal(x.flatten(1).mean(1), x.flatten(1).std(1)) for x in (first, second)]
    torch.testing.assert_close(gaussian_divergence(first, second), kl_divergence(*fits))


def test_attention_within_a_sense_is_the_fixed_target() -> None:
    scores = draws(2, 3, 6, 6).requires_grad_()
    attention_divergence(JointAttention(draws(2, 4), scores, 4)).backward()
    moved = scores.grad.abs().sum((0, 1)) > 0
    assert moved[:4, 4:].all()
    assert moved[4:, :4].all()
    assert not moved[:4, :4].any()
    assert not moved[4:, 4:].any()


def test_answers_that_agree_are_aligned() -> None:
    logits = draws(5, 4)
    same = PerSense(logits, logits + 3)
    torch.testing.assert_close(
        misalignment(logits, same), torch.zeros(5, dtype=torch.float64)
    )
    apart = misalignment(logits, PerSense(draws(5, 4, seed=1), logits))
    assert (apart > 0).all()


def test_misalignment_is_finite_for_answers_without_a_doubt() -> None:
    sure = torch.tensor([[500.0, 0.0, -500.0]], requires_grad=True)
    other = torch.tensor([[-500.0, 0.0, 500.0]])
    misalignment(sure, PerSense(other, sure)).sum().backward()
    assert sure.grad.isfinite().all()


def test_the_window_grows_until_all_clips_are_in_it() -> None:
    features = draws(40, 16)
    kept = [int(central(features, t).sum()) for t in (0.0, 0.1, 0.2, 0.3, 1 / 3, 1.0)]
    assert all(a <= b for a, b in pairwise(kept))
    assert kept[0] < 40 == kept[-2] == kept[-1]
    assert central(features[:1], 0.0).all()


@settings(max_examples=20)
@given(st.floats(0.1, 100), st.integers(0, 1000))
def test_the_pull_is_the_penaltys_gradient(strength: float, seed: int) -> None:
    parameter = torch.nn.Parameter(draws(6, seed=seed))
    importance, centre = draws(6, seed=seed + 1) ** 2, draws(6, seed=seed + 2)
    own = (parameter**3).sum()
    penalty = strength * (importance * (parameter - centre) ** 2).sum()
    (wanted,) = torch.autograd.grad(own + penalty, parameter)
    (parameter.grad,) = torch.autograd.grad((parameter**3).sum(), parameter)
    Anchor({"x": importance}, {"x": centre}).pull({"x": parameter}, strength)
    torch.testing.assert_close(parameter.grad, wanted)


def test_unknown_kinds_are_refused() -> None:
    with pytest.raises(UsageError, match="Did you mean 'fixed'"):
        check_balance("fixd")
