"""The answers as token ids, and what may follow what among them: a trie."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import torch
from torch import nn

#: Stands for "no token here".
NONE = -1


class Answers(nn.Module):
    """The tokens of each class's answer, and the choices on the way through them.

    Args:
        ids: Tokens of each answer, the end of the turn among them, so that no answer
            is the beginning of another one.
        constrained: Whether only tokens that lead to an answer are possible.
    """

    lengths: torch.Tensor
    targets: torch.Tensor
    choices: torch.Tensor | None

    def __init__(self, ids: Sequence[Sequence[int]], *, constrained: bool) -> None:
        super().__init__()
        answers = [tuple(answer) for answer in ids]
        following: dict[tuple[int, ...], set[int]] = defaultdict(set)
        for answer in answers:
            for place, token in enumerate(answer):
                following[answer[:place]].add(token)
        if constrained:
            # Where only one token is possible it costs nothing and decides nothing.
            answers = [_decisive(answer, following) for answer in answers]
        length = max(map(len, answers))
        lengths = torch.tensor([len(answer) for answer in answers])
        self.register_buffer("lengths", lengths, persistent=False)
        self.register_buffer(
            "targets",
            torch.tensor([_padded(answer, length) for answer in answers]),
            persistent=False,
        )
        choices = None
        if constrained:
            widest = max(map(len, following.values()))
            choices = torch.full((len(answers), length, widest), NONE)
            for row, answer in enumerate(answers):
                for place in range(len(answer)):
                    possible = sorted(following[answer[:place]])
                    choices[row, place, : len(possible)] = torch.tensor(possible)
        self.register_buffer("choices", choices, persistent=False)

    def __len__(self) -> int:
        return len(self.targets)

    @property
    def fed(self) -> torch.Tensor:
        """What the model reads to predict all tokens but the first: [C, L - 1]."""
        return self.targets[:, :-1].clamp_min(0)

    def log_likelihood(self, logits: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        """Return the logarithm of each token's probability, 0 after the answer's end.

        Args:
            logits: [R, L, V], of the place of each token.
            rows: int64 [R], whose answers they are for.

        Returns:
            [R, L].
        """
        targets = self.targets[rows]
        chosen = logits.gather(-1, targets.clamp_min(0)[..., None])[..., 0]
        if self.choices is not None:
            possible = self.choices[rows]
            logits = logits.gather(-1, possible.clamp_min(0))
            logits = logits.masked_fill(possible == NONE, -torch.inf)
        # Padding has no choices at all: its slope must not be that of -inf.
        ended = targets == NONE
        logits = logits.masked_fill(ended[..., None], 0)
        return (chosen - logits.logsumexp(-1)).masked_fill(ended, 0)


def _decisive(
    answer: tuple[int, ...], following: dict[tuple[int, ...], set[int]]
) -> tuple[int, ...]:
    """Return an answer up to its last token that had an alternative, at least one."""
    places = [i for i in range(len(answer)) if len(following[answer[:i]]) > 1]
    return answer[: max(places, default=0) + 1]


def _padded(answer: tuple[int, ...], length: int) -> list[int]:
    return [*answer, *[NONE] * (length - len(answer))]
