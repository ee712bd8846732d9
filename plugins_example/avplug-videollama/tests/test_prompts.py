"""What the model is asked, to the letter."""

from __future__ import annotations

import pytest
import torch
from avplug_videollama.loading import load
from avplug_videollama.prompts import answers_of, question_of

from avplug import UsageError
from avplug.core.errors import WeightsError

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
    many = [f"c{i:02}" for i in range(27)]
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


@pytest.mark.parametrize(
    ("labels", "options"),
    [
        (("dog", "<|AUDIO|>"), {}),
        (("dog", "rain"), {"prompt": "<|VIDEO|> {labels}"}),
        (("dog", "rain"), {"system": "<|im_start|>"}),
    ],
)
def test_texts_cannot_pass_for_signs(make, labels, options):
    with pytest.raises(UsageError, match=r"holds the model's own sign '<\|"):
        make(labels, **options)


def test_a_tokeniser_of_another_model(folder, make):
    path = folder / "tokenizer.json"
    for sign, other, said in (
        ("<|vision_bos|>", "<|other|>", r"does not know '<\|vision_bos\|>'"),
        ("<|other|>", "<|vision_bos|>", None),
        ("<|AUDIO|>", "<|swap|>", None),
        ("<|IMAGE|>", "<|AUDIO|>", None),
        ("<|swap|>", "<|IMAGE|>", "another number of media tokens"),
    ):
        path.write_text(path.read_text().replace(sign, other))
        if said:
            with pytest.raises(WeightsError, match=said):
                make(weights=str(folder))


def test_the_order_of_the_labels_changes_nothing(make, clips):
    for options in ({}, {"answer": "letter"}):
        with torch.no_grad():
            one = make(("rain", "dog_bark", "Zug"), **options)(*clips(2))
            other = make(("Zug", "rain", "dog_bark"), **options)(*clips(2))
        assert torch.allclose(one, other[:, [1, 2, 0]], atol=1e-4)


def test_classes_with_one_name_need_letters(make, clips):
    with pytest.raises(UsageError, match=r"2 classes are answered with 'a b'"):
        make(("a_b", "c", "a b"))
    make(("a_b", "c", "a b"), answer="letter")


@pytest.mark.parametrize("score", ["likelihood", "constrained"])
def test_labels_with_odd_characters(make, clips, score):
    labels = (
        "日本 語",
        "🙂",
        "naïve",
        '"q"',
        "it's",
        "{labels}",
        "a, b",
        "a. b",
        "a\nb c",
        "",
    )
    model = make(labels, score=score, length="sum")
    with torch.no_grad():
        scores = model(*clips(1))
    assert scores.isfinite().all()
    if score == "constrained":
        assert float(scores.exp().sum()) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"frames": 3}, "3 frames are not a multiple of 2"),
        ({"image_size": 50}, "not a multiple of 28"),
        ({"score": "guess"}, "Unknown score 'guess'"),
        ({"length": "median"}, "Possible: mean, sum"),
        ({"seconds": 0.05}, "too small"),
    ],
)
def test_options_that_do_not_fit(make, options, said):
    with pytest.raises(UsageError, match=said):
        make(**options)
