"""Methods that watch over another method, and start it again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from avplug.core.adaptation import Adapter, Prediction, Stream
from avplug.core.batch import Batch
from avplug.core.model import Model
from avplug.core.registry import Entry, get_registry


class Wrapper(Adapter):
    """Hands batches on to an inner method, of any plugin.

    Options that are not the wrapper's own are the inner method's, such as ``lr``.

    Args:
        model: The model; changed in place, by the inner method only.
        method: Name of the inner method.
        options: Its options.

    Attributes:
        inner: The inner method.

    Raises:
        CapabilityError: The model lacks what the inner method needs.
        UsageError: There is no such method, or it has no such option.
    """

    def __init__(self, model: Model, method: str, options: Mapping[str, Any]) -> None:
        super().__init__(model)
        kind = _entry(method).load()
        self.inner: Adapter = kind(model, **kind.settings(options))
        self.predicts = self.inner.predicts
        self.parameters = self.inner.parameters

    @classmethod
    def _split(
        cls, options: Mapping[str, Any]
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return own options, with defaults, and those of the inner method."""
        names = super().settings({})
        own = names | {k: v for k, v in options.items() if k in names}
        return own, {k: v for k, v in options.items() if k not in names}

    @classmethod
    def settings(cls, options: Mapping[str, Any]) -> dict[str, Any]:
        """Return every option of both with its value.

        Raises:
            UnknownNameError: Neither has an option of this name.
        """
        own, others = cls._split(options)
        inner: dict[str, Any] = _entry(own["method"]).load().settings(others)
        return inner | own

    @classmethod
    def answers(cls, options: Mapping[str, Any]) -> Prediction:
        """Return when the inner method answers."""
        own, others = cls._split(options)
        inner: Prediction = _entry(own["method"]).load().answers(others)
        return inner

    @classmethod
    def needs(
        cls, declared: tuple[str, ...], options: Mapping[str, Any]
    ) -> tuple[str, ...]:
        """Return what either needs."""
        own, others = cls._split(options)
        entry = _entry(own["method"])
        inner = entry.load().needs(entry.spec.needs, others)  # type: ignore[attr-defined]
        return tuple(dict.fromkeys((*declared, *inner)))

    def begin(self, stream: Stream) -> None:
        """Hand it on."""
        self.inner.begin(stream)

    def step(self, batch: Batch) -> torch.Tensor:
        """Return the inner method's logits [B, C]."""
        return self.inner.step(batch)

    def reset(self) -> None:
        """Restore the source model, bit for bit; extend it to clear own state."""
        self.inner.reset()

    def forget(self) -> None:
        """Restore the source model in mid-stream; counts go on."""
        self.inner.forget()

    def diagnostics(self) -> dict[str, Any]:
        """Return the inner method's."""
        return self.inner.diagnostics()


def _entry(method: str) -> Entry:
    # Cells are named by it, mostly by the default: it means what it always meant.
    return get_registry().recall("adaptation", method)
