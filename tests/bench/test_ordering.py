"""Orders of a stream: whole, repeatable, and as uneven as asked for."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from avplug.bench.ordering import arrange
from avplug.core.randomness import KeyedRandom

ORDERS = ("fixed", "shuffled", "label-sorted", "correlated")
SLOW = settings(max_examples=60, deadline=None)


def runs(labels):
    """How often the label changes, plus one."""
    return 1 + sum(a != b for a, b in pairwise(labels))


def order_of(labels, order, delta=0.1, seed=0):
    items = list(range(len(labels)))
    return arrange(items, labels, order, delta, KeyedRandom((seed, "order")))


@SLOW
@given(
    st.lists(st.integers(-1, 6), max_size=80),
    st.sampled_from(ORDERS),
    st.floats(1e-4, 1e4),
    st.integers(0, 5),
)
def test_every_order_shows_each_clip_once_and_is_repeatable(labels, order, delta, seed):
    got = order_of(labels, order, delta, seed)
    assert sorted(got) == list(range(len(labels)))
    assert got == order_of(labels, order, delta, seed)


def test_fixed_keeps_the_list_and_seeds_change_the_others():
    labels = [i % 5 for i in range(50)]
    assert order_of(labels, "fixed") == list(range(50))
    for order in ORDERS[1:]:
        assert order_of(labels, order, seed=0) != order_of(labels, order, seed=1)


def test_label_sorted_shows_one_class_after_the_other():
    labels = [i % 7 for i in range(70)]
    got = [labels[i] for i in order_of(labels, "label-sorted")]
    assert runs(got) == 7
    assert got != sorted(got), "the classes come in an order that is drawn"


def test_labels_do_not_matter_where_the_order_does_not_look_at_them():
    for order in ("fixed", "shuffled"):
        assert order_of([0] * 30, order) == order_of(list(range(30)), order)


def spread(labels, classes):
    """Mean over the classes of the share of its fullest of ``classes`` equal parts."""
    parts = np.array_split(np.asarray(labels), classes)
    return np.mean(
        [max((p == c).sum() for p in parts) / labels.count(c) for c in range(classes)]
    )


def test_a_smaller_concentration_is_less_even():
    labels = [i % 10 for i in range(600)]
    got = [
        np.mean(
            [
                spread([labels[i] for i in order_of(labels, "correlated", d, s)], 10)
                for s in range(8)
            ]
        )
        for d in (1e-3, 0.1, 1.0, 1e3)
    ]
    assert got == sorted(got, reverse=True)
    assert got[-1] < 0.2, "a large one spreads each class over all parts"
    assert got[0] > 0.6, "a small one keeps most of a class together"


@pytest.mark.parametrize("delta", [1e-6, 1e6])
def test_extreme_concentrations_are_no_division_by_zero(delta):
    labels = [i % 3 for i in range(9)]
    assert sorted(order_of(labels, "correlated", delta)) == list(range(9))
