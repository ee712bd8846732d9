"""The contract of a test-time adaptation (TTA) method."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import torch

from avplug.core.batch import Batch
from avplug.core.errors import CapabilityError, UnknownNameError, UsageError, closest
from avplug.core.model import Model, Surface

#: Logits of before or after the update that a batch brings about.
Prediction = Literal["pre", "post"]


@dataclass(frozen=True, slots=True, eq=False)
class Stream:
    """What a method may know of a stream before its first batch.

    Args:
        batches: How many batches will come.
        clips: How many clips they hold together.
        seed: Of the run; for methods that draw.
        source: Makes an iterable of clean, unlabelled batches of the training split,
            on the model's device; None where there is no such split.
        source_key: Tells one source from another: what a method measures on it, with
            the same model, it may keep for the next stream. Empty where nobody knows.
    """

    batches: int
    clips: int
    seed: int
    source: Callable[[], Iterable[Batch]] | None = None
    source_key: str = ""


class Adapter(ABC):
    """A model that changes itself while it sees unlabelled batches of a stream.

    The order of calls is ``reset``, ``begin``, then ``step`` for each batch.

    Args of every adapter's constructor:
        model: The model; in eval mode, changed in place, restored by ``reset``.
        **options: The method's settings, keyword-only, with defaults.

    Attributes:
        surface: Which parameters it changes: a role, several, or None for none.
        predicts: Whether ``step`` returns the logits of before (``"pre"``) or after
            (``"post"``) its update. Of the class: as published; an adapter's own where
            its constructor takes an option of this name.
        stateful: Whether an answer depends on earlier batches or on batch mates.
        parameters: The tensors that it changes, by name.

    Raises:
        CapabilityError: The model lacks the surface.
        UsageError: ``predicts`` is neither ``"pre"`` nor ``"post"``.

    Example::

        class Nothing(Adapter):
            surface = None
            stateful = False

            def step(self, batch):
                with torch.no_grad():
                    return self.model.classify(batch)
    """

    surface: ClassVar[Surface | tuple[Surface, ...] | None] = None
    predicts: Prediction = "pre"
    stateful: ClassVar[bool] = True

    def __init__(self, model: Model, *, predicts: Prediction | None = None) -> None:
        if predicts not in (None, "pre", "post"):
            raise UsageError(
                f"Option predicts is {predicts!r}: 'pre' or 'post' is needed."
            )
        self.predicts = predicts or self.predicts
        self.model = model
        model.eval().requires_grad_(False)
        self.parameters: dict[str, torch.nn.Parameter] = {}
        roles = (self.surface,) if isinstance(self.surface, str) else self.surface
        for role in roles or ():
            found = model.parameters_for(role)
            if not found:
                raise CapabilityError(
                    f"{type(model).__name__} offers no parameters on '{role}'."
                )
            self.parameters |= found
        for parameter in self.parameters.values():
            parameter.requires_grad_(True)
        self._source = {k: p.detach().clone() for k, p in self.parameters.items()}

    @classmethod
    def settings(cls, options: Mapping[str, Any]) -> dict[str, Any]:
        """Return every option with its value: as given, else its default.

        They belong to the identity of what is computed. A method that hands options on
        to another one adds the other's.

        Raises:
            UnknownNameError: There is no such option.
        """
        parameters = inspect.signature(cls).parameters.values()
        known = {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}
        for name in options:
            if name not in known:
                raise UnknownNameError(
                    f"{cls.__name__} has no option {name!r}.{closest(name, known)}",
                    f"Options: {', '.join(sorted(known)) or 'none'}.",
                )
        return known | dict(options)

    @classmethod
    def answers(cls, options: Mapping[str, Any]) -> Prediction:
        """Return when a method with these options answers.

        A method that hands batches on to another one says when that does.
        """
        chosen: Prediction | None = options.get("predicts")
        return chosen or cls.predicts

    @classmethod
    def needs(
        cls, declared: tuple[str, ...], options: Mapping[str, Any]
    ) -> tuple[str, ...]:
        """Return what must be there, given the descriptor's ``needs`` and options.

        A method that hands batches on to another one adds the other's.
        """
        return declared

    def begin(self, stream: Stream) -> None:  # noqa: B027 - most methods need nothing
        """Prepare for a stream; called after ``reset`` and before the first ``step``.

        Raises:
            CapabilityError: The stream lacks what the method needs.
        """

    @abstractmethod
    def step(self, batch: Batch) -> torch.Tensor:
        """Return logits [B, C] for the batch, adapting to it."""

    def reset(self) -> None:
        """Restore the source model, bit for bit; extend it to clear own state.

        What ``begin`` was told stays.
        """
        with torch.no_grad():
            for name, parameter in self.parameters.items():
                parameter.copy_(self._source[name])
                parameter.grad = None

    def forget(self) -> None:
        """Go back to the source model in mid-stream, as ``reset``; counts may go on."""
        self.reset()

    def diagnostics(self) -> dict[str, Any]:
        """Return counts since the last reset, such as updates; kept in the record."""
        return {}
