"""What a language model is asked, and the answers that it may give."""

from __future__ import annotations

from collections import Counter
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
    """Return the text that stands for each class: A to Z, or numbers beyond 26.

    Letters follow the alphabetical order of the labels, as the question lists them.

    Raises:
        UsageError: Two classes would have the same answer.
    """
    texts = tuple(label_text(label) for label in labels)
    if answer == "label":
        for text, count in Counter(texts).items():
            if count > 1:
                raise UsageError(
                    f"{count} classes are answered with {text!r}.",
                    "Tell them apart by letters: answer=letter.",
                )
        return texts
    marks: Sequence[str] = ascii_uppercase
    if len(labels) > len(marks):
        marks = [str(number) for number in range(1, len(labels) + 1)]
    order = _listed(labels)
    return tuple(marks[order.index(index)] for index in range(len(labels)))


def question_of(labels: Sequence[str], answer: Answer, prompt: str) -> str:
    """Return the question about a clip.

    Args:
        labels: Names of the classes, listed in alphabetical order.
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
    names = [label_text(label) for label in labels]
    if answer == "letter":
        marks = answers_of(labels, "letter")
        names = [f"({mark}) {name}" for mark, name in zip(marks, names, strict=True)]
    listed = ", ".join(names[index] for index in _listed(labels))
    return prompt.replace("{labels}", listed)


def _listed(labels: Sequence[str]) -> list[int]:
    """Return the classes in alphabetical order.

    A language model answers otherwise if the list has another order; so scores do not
    depend on the order in which a data set happens to number its classes.
    """
    return sorted(range(len(labels)), key=lambda index: label_text(labels[index]))
