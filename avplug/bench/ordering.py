"""Orders of a stream: shuffled, as listed, or with labels that are not spread evenly.

Only the maker of the stream looks at labels here; an adapter never sees one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaincinv

from avplug.bench.config import OrderName
from avplug.core.randomness import KeyedRandom

Item = TypeVar("Item")


def arrange(
    items: Sequence[Item],
    labels: Sequence[int],
    order: OrderName,
    delta: float,
    rng: KeyedRandom,
) -> list[Item]:
    """Return the items in an order.

    Args:
        items: As the data set lists them.
        labels: A class of each; the first where a clip has several.
        order: ``"fixed"`` keeps them; ``"shuffled"`` is uniform; ``"label-sorted"``
            shows one class after the other, classes and clips of a class shuffled;
            ``"correlated"`` is in between, see :func:`correlated`.
        delta: Concentration of ``"correlated"``.
        rng: Names the order.
    """
    if order == "fixed":
        return list(items)
    shuffled = rng.permutation(len(items))
    if order == "shuffled":
        return [items[i] for i in shuffled]
    groups: dict[int, list[int]] = {label: [] for label in sorted(set(labels))}
    for i in shuffled:
        groups[labels[i]].append(int(i))
    drawn = rng.stream("classes").permutation(len(groups))
    classes = [list(groups.values())[c] for c in drawn]
    if order == "correlated":
        classes = correlated(classes, delta, rng)
    return [items[i] for group in classes for i in group]


def correlated(
    classes: Sequence[Sequence[int]], delta: float, rng: KeyedRandom
) -> list[list[int]]:
    """Return runs of clips of one class, spread unevenly over the stream.

    As in NOTE (arXiv 2208.05117): the stream has as many slots as there are classes;
    each class is spread over them by shares from a symmetric Dirichlet distribution.
    Within a slot the classes follow one another. A small ``delta`` puts a class into
    one slot, a large one spreads it evenly.

    Args:
        classes: The clips of each class, shuffled.
        delta: Concentration of the distribution.
        rng: Names the draws.
    """
    slots = len(classes)
    parts: list[list[list[int]]] = [[] for _ in range(slots)]
    for number, members in enumerate(classes):
        shares = _dirichlet(slots, delta, rng.stream("shares", number))
        cuts = np.rint(np.cumsum(shares)[:-1] * len(members)).astype(int)
        for slot, part in enumerate(np.split(np.asarray(members), cuts)):
            parts[slot].append(part.tolist())
    return [
        parts[slot][number]
        for slot in range(slots)
        for number in rng.stream("slot", slot).permutation(slots)
    ]


def _dirichlet(count: int, delta: float, rng: KeyedRandom) -> NDArray[np.float64]:
    """Return shares that add up to 1: Gamma variates over their sum.

    In logarithms, by ``Gamma(a) = Gamma(a + 1) U^(1/a)``, as those of a small
    concentration are too small for a float.
    """
    words = rng.bytes(8 * count).view("<u4").reshape(2, count)
    uniform = (words + 0.5) / 2.0**32
    logs = np.log(gammaincinv(delta + 1, uniform[0])) + np.log(uniform[1]) / delta
    shares: NDArray[np.float64] = np.exp(logs - logs.max())
    shares /= shares.sum()
    return shares
