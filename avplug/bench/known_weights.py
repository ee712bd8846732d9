"""Which weights a user means: a known name, a source, parts, or what fits the data."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from avplug.core.components import ModelSpec
from avplug.core.errors import UnknownNameError, WeightsError, closest
from avplug.core.registry import Entry, Registry
from avplug.core.sources import find
from avplug.core.weight_specs import FileSpec, WeightSpec

_PART = re.compile(r"(?P<part>[A-Za-z_]\w*)=(?P<source>.+)\Z")


def choose_weights(
    entry: Entry, variant: str, asked: str | None, dataset: str
) -> WeightSpec | None:
    """Return the weights that a user asks for, or those that fit the data set.

    Args:
        entry: The model.
        variant: Its variant; known weights belong to one.
        asked: Name of known weights, a source, or ``part=source,part=source``.
        dataset: Name of the data set.

    Returns:
        None if none are asked for and none are known that fit, or if the model reads
        its weights itself.

    Raises:
        WeightsError: Known weights of that name belong to another variant.
    """
    spec = entry.spec
    assert isinstance(spec, ModelSpec)
    if spec.reads_weights:
        return None
    fitting = [w for w in spec.weights if _sizes(spec, w.variant, variant)]
    if asked is None:
        return next((w for w in fitting if w.dataset in (dataset, "*")), None)
    for weights in fitting:
        if asked == weights.name:
            return weights
    if Path(asked).expanduser().is_file():
        return WeightSpec("", "", asked)
    for weights in spec.weights:
        if asked == weights.name:
            right = f"{spec.name}:{weights.variant}".rstrip(":")
            raise WeightsError(
                f"Weights '{asked}' belong to '{right}'.", f"Use --model {right}."
            )
    if parts := parse_parts(asked):
        return WeightSpec("", "", parts=parts)
    if re.fullmatch(r"[\w.+-]+", asked):
        names = [w.name for w in spec.weights]
        raise WeightsError(
            f"There is no checkpoint at '{asked}', and '{spec.name}' has no weights of"
            f" that name.{closest(asked, names)}",
            f"Known: {', '.join(names)}." if names else "",
        )
    return WeightSpec("", "", asked)


def _sizes(spec: ModelSpec, one: str, other: str) -> bool:
    """Return whether two variants are one: the default may have a name, too."""
    return spec.variants.get(one, {}) == spec.variants.get(other, {})


def parse_parts(text: str) -> dict[str, FileSpec]:
    """Read ``part=source,part=source``; empty if the text has another form."""
    pieces = re.split(r",(?=[A-Za-z_]\w*=)", text)
    matches = [_PART.match(piece) for piece in pieces]
    found = {m["part"]: FileSpec(m["source"]) for m in matches if m is not None}
    return found if len(found) == len(pieces) else {}


def known_weights(registry: Registry) -> list[tuple[Entry, WeightSpec]]:
    """Return all known weights with their models."""
    return [
        (entry, weights)
        for entry in registry.entries("model")
        for weights in entry.spec.weights  # type: ignore[attr-defined]
    ]


def find_known(registry: Registry, name: str) -> tuple[Entry, WeightSpec] | None:
    """Return the known weights of ``MODEL/NAME``, or of a name that only one has.

    Raises:
        UnknownNameError: The model is known, and has no weights of that name; or
            several models have some.
    """
    model, slash, bare = name.rpartition("/")
    known = known_weights(registry)
    models = {e.spec.name for e, _ in known}
    matches = [
        (e, w)
        for e, w in known
        if w.name == bare and model in (("", e.spec.name, e.qualified))
    ]
    if len(matches) == 1:
        return matches[0]
    full = [f"{e.spec.name}/{w.name}" for e, w in known]
    if matches:
        several = ", ".join(f"{e.spec.name}/{w.name}" for e, w in matches)
        raise UnknownNameError(f"Several models have weights {name!r}.", several)
    if slash and model in models:
        raise UnknownNameError(
            f"No weights {name!r} are known.{closest(name, full)}",
            "Show all: avplug weights list",
        )
    return None


def describe(entry: Entry, weights: WeightSpec) -> dict[str, Any]:
    """Return what is known of weights as plain data; the keys are stable."""
    files = {
        part: {
            "source": file.source,
            "sha256": file.sha256,
            "size": file.size,
            "page": file.page,
            "here": _here(file),
        }
        for part, file in weights.files.items()
    }
    return {
        "model": entry.spec.name,
        "provider": entry.provider,
        "name": weights.name,
        "variant": weights.variant,
        "dataset": weights.dataset,
        "classes": weights.classes,
        "outputs": weights.outputs,
        "claim": weights.claim,
        "license": weights.license,
        "non_commercial": weights.non_commercial,
        "page": weights.page,
        "notes": weights.notes,
        "options": dict(weights.options),
        "files": files,
    }


def _here(file: FileSpec) -> bool:
    try:
        return bool(file.source) and find(file) is not None
    except WeightsError:
        return False
