"""A user's own model: a class or a function in a file or a module, without a plugin."""

from __future__ import annotations

import functools
import hashlib
import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from importlib import import_module
from pathlib import Path
from typing import Any, get_args

import torch
from torch import nn

from avplug.core.clip import InputSpec
from avplug.core.components import ModelSpec
from avplug.core.discovery import load_file
from avplug.core.errors import CapabilityError, UsageError, closest
from avplug.core.model import (
    ClassifiesEachSense,
    EncodesThenFuses,
    FusesFeatures,
    Localises,
    Model,
    ShowsTime,
    Surface,
)
from avplug.core.registry import Entry

_TARGET = re.compile(r"(?P<home>.+\.py|[A-Za-z_]\w*(\.\w+)+):(?P<name>[A-Za-z_]\w*)\Z")


@dataclass(frozen=True, slots=True)
class OwnEntry(Entry):
    """The entry of a model that no plugin provides.

    Args:
        maker: Returns a :class:`Model` for labels and options.
        code: sha256 of its source file, "" if there is none.
    """

    maker: Callable[..., Model] = field(kw_only=True)
    code: str = field(kw_only=True)

    def load(self) -> Any:
        """Return the maker."""
        return self.maker


class Wrapped(Model):
    """Any module that takes frames and a waveform, as a :class:`Model`.

    Args:
        module: Returns logits [B, C] of frames [B, T, 3, H, W], 0..1, and waveform
            [B, N]; has ``input``, an :class:`InputSpec`; may have ``outputs``,
            ``modalities`` and ``parameters_for``.
        labels: Names of the classes.
        **config: The options that it was made with.

    Raises:
        UsageError: It has no ``input``.
    """

    def __init__(
        self, module: nn.Module, labels: tuple[str, ...], **config: Any
    ) -> None:
        super().__init__(labels, **config)
        if not isinstance(getattr(module, "input", None), InputSpec):
            raise UsageError(
                f"{type(module).__name__} does not say what to sample of a clip.",
                "Give it an attribute: input = avplug.InputSpec(size=224, seconds=10).",
            )
        self.module = module
        self.input = module.input  # type: ignore[assignment]
        self.outputs = getattr(module, "outputs", "softmax")
        self.modalities = getattr(module, "modalities", None)

    def forward(self, frames: torch.Tensor, waveform: torch.Tensor) -> torch.Tensor:
        """Return logits [B, C]."""
        logits: torch.Tensor = self.module(frames, waveform)
        return logits

    def parameters_for(self, surface: Surface) -> dict[str, nn.Parameter]:
        """Return what the module offers for adaptation; nothing by default."""
        offer = getattr(self.module, "parameters_for", super().parameters_for)
        offered: dict[str, nn.Parameter] = offer(surface)
        return offered

    def adapt_state(self, tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """Return the tensors by this wrapper's names."""
        return {f"module.{name}": tensor for name, tensor in tensors.items()}


def source_file(name: str) -> Path | None:
    """Return the file of ``FILE.py:NAME``; None if ``name`` has another form."""
    match = _TARGET.match(name)
    return Path(match["home"]) if match and match["home"].endswith(".py") else None


def own_entry(name: str) -> OwnEntry | None:
    """Return the entry of ``FILE.py:NAME`` or ``package.module:NAME``.

    Returns:
        None if ``name`` has another form.

    Raises:
        UsageError: There is no such file, module or attribute, or it is no callable.
    """
    match = _TARGET.match(name)
    if match is None:
        return None
    home, attribute = match["home"], match["name"]
    try:
        module = load_file(Path(home)) if home.endswith(".py") else import_module(home)
    except FileNotFoundError as error:
        raise UsageError(f"There is no file {home!r} to take a model from.") from error
    # The code is the user's: whatever it raises is told with its place.
    except Exception as error:
        raise UsageError(
            f"{home!r} cannot be imported: {type(error).__name__}: {error}",
            "See the traceback with: avplug --debug ...",
        ) from error
    target = getattr(module, attribute, None)
    if not callable(target):
        there = [key for key, value in vars(module).items() if callable(value)]
        raise UsageError(
            f"{home!r} has no class or function {attribute!r}."
            f"{closest(attribute, there)}"
        )
    short = re.sub(r"[^a-z0-9_-]+", "-", attribute.lower()).strip("-_") or "own"
    spec = ModelSpec(short, f"{module.__name__}:{attribute}", f"Yours, {name}")
    return OwnEntry(
        spec,
        Path(home).name if home.endswith(".py") else home.partition(".")[0],
        "",
        maker=_maker(name, target),
        code=_code(module.__file__),
    )


def _maker(name: str, target: Callable[..., Any]) -> Callable[..., Model]:
    @functools.wraps(target)
    def make(labels: tuple[str, ...], **options: Any) -> Model:
        made = target(labels, **options)
        if isinstance(made, Model):
            return made
        if not isinstance(made, nn.Module):
            raise UsageError(
                f"{name} returns a {type(made).__name__}, no torch.nn.Module."
            )
        return Wrapped(made, labels, **options)

    # A class's own signature has no "self".
    make.__signature__ = inspect.signature(target)  # type: ignore[attr-defined]
    return make


def _code(path: str | None) -> str:
    return hashlib.sha256(Path(path).read_bytes()).hexdigest() if path else ""


def with_capabilities(entry: Entry, model: Model) -> Entry:
    """Return a model's entry with what the model itself shows to have."""
    found = ["gradient"]
    for surface in get_args(Surface):
        try:
            offered = model.parameters_for(surface)
        except CapabilityError:
            continue
        found += [surface] if offered else []
    found += ["encode"] if isinstance(model, EncodesThenFuses) else []
    found += ["unimodal"] if isinstance(model, ClassifiesEachSense) else []
    found += ["late-fusion"] if isinstance(model, FusesFeatures) else []
    found += ["time"] if isinstance(model, ShowsTime) else []
    found += ["localise"] if isinstance(model, Localises) else []
    return replace(entry, spec=replace(entry.spec, capabilities=tuple(found)))  # type: ignore[call-arg]
