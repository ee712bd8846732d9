"""What the model is asked, to the letter."""

from __future__ import annotations

import pytest
from avplug_videollama.loading import load
from avplug_videollama.prompts import answers_of, question_of

from avplug import UsageError

LABELS = ("dog", "playing violin_ fiddle", "steam_train")


def test_the_papers_question():
    assert question_of(LABELS, "label", "") == (
        "Which of the following actions best describe the content of this video? "
        "Choose one from the list below: dog, playing violin, fiddle, steam train."
    )


def test_letters():
    assert question_of(LABELS, "letter", "").endswith(
        "below: (A) dog, (B) playing violin, fiddle, (C) steam train."
        " Answer with the letter only."
    )
    assert answers_of(LABELS, "letter") == ("A", "B", "C")
    many = [f"c{i}" for i in range(27)]
    assert answers_of(many, "letter")[-1] == "27"


def test_a_question_of_ones_own():
    assert question_of(LABELS, "label", "What is it?") == "What is it?"
    with pytest.raises(UsageError, match=r"which letter stands for which class"):
        question_of(LABELS, "letter", "What is it?")


def test_the_whole_prompt(make):
    model = make(("dog", "rain"), prompt="Is it {labels}?", system="Listen.")
    tokenizer = load("random", "auto", "")[1]
    # Two frames of 56 x 56 are 4 tokens, 200 spectra 50.
    assert tokenizer.decode(model.reader.ids[0]) == (
        "<|im_start|>system\nListen.<|im_end|>\n<|im_start|>user\n"
        f"<|vision_bos|>{'<|VIDEO|>' * 4}<|vision_eos|>"
        f"<|audio_bos|>{'<|AUDIO|>' * 50}<|audio_eos|>"
        "Is it dog, rain?<|im_end|>\n<|im_start|>assistant\n"
    )


def test_a_label_cannot_pass_for_media(make):
    with pytest.raises(UsageError, match="another number of media tokens"):
        make(("dog", "<|AUDIO|>"))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"frames": 3}, "3 frames are not a multiple of 2"),
        ({"image_size": 50}, "not a multiple of 28"),
        ({"score": "guess"}, "Unknown score 'guess'"),
        ({"length": "median"}, "Possible: mean, sum"),
        ({"pairs": 0}, "too small"),
    ],
)
def test_options_that_do_not_fit(make, options, said):
    with pytest.raises(UsageError, match=said):
        make(**options)
