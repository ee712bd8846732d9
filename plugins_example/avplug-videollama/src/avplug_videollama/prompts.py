"""What a language model is asked, and the answers that it may give."""

from __future__ import annotations

from collections.abc import Sequence
from string import ascii_uppercase
from typing import Literal

from avplug import UsageError

#: What a class is answered with: its name, or the letter that the prompt gives it.
Answer = Literal["label", "letter"]

#: AVRobustBench's question to language models (Sec. 4, AV-LLMs).
PAPER = (
    "Which of the following actions best describe the content of this video? "
    "Choose one from the list below: {labels}."
)
#: The same with a letter for each class; the last sentence is avplug's.
LETTERS = PAPER + " Answer with the letter only."


def label_text(label: str) -> str:
    """Return a label as a reader would write it.

    VGGSound's list writes commas as ``_`` (``playing violin_ fiddle``), Kinetics'
    writes blanks so.
    """
    return " ".join(label.replace("_ ", ", ").replace("_", " ").split())


def answers_of(labels: Sequence[str], answer: Answer) -> tuple[str, ...]:
    """Return the text that stands for each class: A to Z, or numbers beyond 26."""
    if answer == "label":
        return tuple(label_text(label) for label in labels)
    if len(labels) <= len(ascii_uppercase):
        return tuple(ascii_uppercase[: len(labels)])
    return tuple(str(number) for number in range(1, len(labels) + 1))


def question_of(labels: Sequence[str], answer: Answer, prompt: str) -> str:
    """Return the question about a clip.

    Args:
        labels: Names of the classes.
        answer: With letters, each name in the list has its letter before it.
        prompt: ``{labels}`` stands for the list and may be missing; "" for
            :data:`PAPER` or :data:`LETTERS`.

    Raises:
        UsageError: Letters are asked for, and the prompt does not list them.
    """
    prompt = prompt or (PAPER if answer == "label" else LETTERS)
    if answer == "letter" and "{labels}" not in prompt:
        raise UsageError(
            f"The prompt {prompt!r} does not say which letter stands for which class.",
            "Write {labels} where the list of classes belongs.",
        )
    names = answers_of(labels, "label")
    if answer == "letter":
        marks = answers_of(labels, "letter")
        names = tuple(f"({m}) {name}" for m, name in zip(marks, names, strict=True))
    return prompt.replace("{labels}", ", ".join(names))
