"""The classes' answers as one tree of tokens, and what may follow what in it."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

#: Stands for "no token here", "no step here".
NONE = -1

Beginning = tuple[int, ...]


class Answers(nn.Module):
    """The tokens of each class's answer, those that answers share only once.

    A *place* is a beginning of answers that something follows: first the empty one,
    the end of the question, then N that the model must be fed.

    Args:
        ids: Tokens of each answer, the end of the turn among them, so that no answer
            is the beginning of another one.
        constrained: Whether only tokens that lead to an answer are possible.

    Attributes:
        tokens: int64 [N], the last token of each place but the first.
        depths: int64 [N], how many tokens it is away from the question.
        sees: bool [N, N], whether it (row) has another one on its way, or is it.
        lengths: int64 [C], tokens of each answer.
    """

    tokens: torch.Tensor
    depths: torch.Tensor
    sees: torch.Tensor
    lengths: torch.Tensor
    choices: torch.Tensor
    steps: torch.Tensor

    def __init__(self, ids: Sequence[Sequence[int]], *, constrained: bool) -> None:
        super().__init__()
        self.constrained = constrained
        answers = [tuple(answer) for answer in ids]
        if constrained:
            # Where only one token is possible it costs nothing and decides nothing.
            following = _following(answers)
            answers = [_decisive(answer, following) for answer in answers]
        following = _following(answers)
        places = list(following)
        widest = max(map(len, following.values()))
        number = {beginning: index for index, beginning in enumerate(places)}
        steps = [
            [
                number[answer[:i]] * widest + following[answer[:i]].index(token)
                for i, token in enumerate(answer)
            ]
            for answer in answers
        ]
        fed = places[1:]
        for name, values in (
            ("tokens", [place[-1] for place in fed]),
            ("depths", [len(place) for place in fed]),
            ("lengths", [len(answer) for answer in answers]),
            ("choices", _padded(list(following.values()))),
            ("steps", _padded(steps)),
        ):
            self.register_buffer(
                name, torch.tensor(values, dtype=torch.long), persistent=False
            )
        sees = torch.zeros(len(fed), len(fed), dtype=torch.bool)
        for row, place in enumerate(fed):
            sees[row, [number[place[: i + 1]] - 1 for i in range(len(place))]] = True
        self.register_buffer("sees", sees, persistent=False)

    def __len__(self) -> int:
        """Return how many classes there are."""
        return len(self.lengths)

    def choose(self, logits: torch.Tensor, places: slice) -> torch.Tensor:
        """Return the logarithms of probabilities [B, n, K] of what may follow.

        Args:
            logits: [B, n, V], after each of the places.
            places: Which ones they are.
        """
        possible = self.choices[places].expand(len(logits), -1, -1)
        chosen = logits.gather(-1, possible.clamp_min(0))
        if self.constrained:
            logits = chosen.masked_fill(possible == NONE, -torch.inf)
        return chosen - logits.logsumexp(-1, keepdim=True)

    def log_likelihood(self, chosen: torch.Tensor) -> torch.Tensor:
        """Return that of each answer [B, C], of :meth:`choose` of all places."""
        ended = self.steps == NONE
        steps = chosen.flatten(1)[:, self.steps.clamp_min(0)]
        return steps.masked_fill(ended, 0).sum(-1)


def _following(answers: Sequence[Beginning]) -> dict[Beginning, list[int]]:
    """Return the tokens that may follow each beginning, the empty one first."""
    following: dict[Beginning, dict[int, None]] = {}
    for answer in answers:
        for place, token in enumerate(answer):
            following.setdefault(answer[:place], {})[token] = None
    return {beginning: list(tokens) for beginning, tokens in following.items()}


def _decisive(answer: Beginning, following: dict[Beginning, list[int]]) -> Beginning:
    """Return an answer up to its last token that had an alternative, at least one."""
    places = [i for i in range(len(answer)) if len(following[answer[:i]]) > 1]
    return answer[: max(places, default=0) + 1]


def _padded(rows: Sequence[Sequence[int]]) -> list[list[int]]:
    length = max(map(len, rows))
    return [[*row, *[NONE] * (length - len(row))] for row in rows]
