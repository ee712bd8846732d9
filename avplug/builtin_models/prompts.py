"""From names of classes to the sentences that a text encoder reads."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal, get_args

from avplug.core.errors import UsageError, closest

#: What to make of the commas in ``"bird chirping, tweeting"``: one name, the first of
#: several, or several whose texts are averaged.
Synonyms = Literal["keep", "first", "split"]

#: Templates by name; ``{}`` stands for the class. ``video`` is mteb's for AVE and for
#: Kinetics, ``sound`` CLAP's and mteb's for ESC-50. AVRobustBench tried noise-aware
#: prompts and printed no texts, so that the wording of ``noise-aware`` is avplug's.
TEMPLATES: dict[str, tuple[str, ...]] = {
    "plain": ("{}",),
    "photo": ("a photo of {}",),
    "sound": ("this is a sound of {}",),
    "video": ("a video of {}",),
    "several": ("{}", "a photo of {}", "this is a sound of {}", "a video of {}"),
    "noise-aware": (
        "a video of {}",
        "a noisy video of {}",
        "a blurred video of {}",
        "a video of {} with background noise",
        "a video of {} in bad weather",
    ),
}


def resolve_templates(templates: str | Sequence[str]) -> tuple[str, ...]:
    """Return the templates themselves.

    Args:
        templates: A name in :data:`TEMPLATES`, one template, or several.

    Raises:
        UsageError: The name is unknown, or a template does not hold ``{}`` once.
    """
    if isinstance(templates, str):
        if "{" not in templates:
            if templates not in TEMPLATES:
                raise UsageError(
                    f"Unknown templates {templates!r}.{closest(templates, TEMPLATES)}",
                    f"Known: {', '.join(TEMPLATES)}; or write one with {{}} for the"
                    " class, or a list of them.",
                )
            return TEMPLATES[templates]
        templates = (templates,)
    for template in templates:
        if template.count("{}") != 1:
            raise UsageError(
                f"Template {template!r} does not hold {{}} once.",
                "{} stands for the name of the class.",
            )
    if not templates:
        raise UsageError("No template is given.", "The plainest is '{}'.")
    return tuple(templates)


def clean(label: str) -> str:
    """Return a label as a reader would write it.

    VGGSound's list writes commas as ``_`` (``playing violin_ fiddle``), Kinetics' and
    others write blanks so.
    """
    return " ".join(label.replace("_ ", ", ").replace("_", " ").split())


def names_of(label: str, synonyms: Synonyms) -> tuple[str, ...]:
    """Return the names of a class, at least one.

    Raises:
        UsageError: ``synonyms`` is unknown, or nothing is left of the label.
    """
    if synonyms not in get_args(Synonyms):
        raise UsageError(
            f"Unknown synonyms {synonyms!r}.",
            f"Possible: {', '.join(get_args(Synonyms))}.",
        )
    whole = clean(label)
    parts = [whole] if synonyms == "keep" else re.split(r"\s*,\s*", whole)
    names = tuple(name for name in parts if name)
    if not names:
        raise UsageError(f"Class {label!r} has no name that could be read.")
    return names[:1] if synonyms == "first" else names


def prompts_of(
    labels: Sequence[str], templates: Sequence[str], synonyms: Synonyms
) -> list[tuple[str, ...]]:
    """Return the sentences of each class: each name in each template."""
    return [
        tuple(
            template.replace("{}", name)
            for name in names_of(label, synonyms)
            for template in templates
        )
        for label in labels
    ]
