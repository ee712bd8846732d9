"""Scores of classes, against the whole sequence of each class on its own."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from avplug_videollama.loading import load
from avplug_videollama.prompts import answers_of


@pytest.fixture(scope="module")
def tokenizer():
    return load("random", "auto", "")[1]


def tokens(tokenizer, model):
    """Return the ids of each answer, as the model's question asks for them."""
    texts = answers_of(model.labels, model.config["answer"])
    return [tokenizer(f"{text}<|im_end|>")["input_ids"] for text in texts]


def next_token_logits(model, frames, waveform, answer):
    """Return [L, V] for one clip: prompt and answer in one pass, no cache."""
    reader, network = model.reader, model.reader.network
    ids = torch.cat([reader.ids, torch.tensor([answer[:-1]], dtype=torch.long)], 1)
    hidden = network(
        input_ids=ids,
        attention_mask=torch.ones_like(ids),
        pixel_values_videos=reader.patches(frames),
        video_grid_thw=torch.tensor([reader.grid]),
        video_second_per_grid=torch.tensor([2.0]),
        input_features=reader.mel(waveform),
        feature_attention_mask=torch.ones(1, reader.hops, dtype=torch.long),
    )
    return hidden.logits[0, -len(answer) :]


def possible(answers, beginning):
    """Return what may follow: of every answer that begins so."""
    begun = [a for a in answers if a[: len(beginning)] == beginning]
    return sorted({a[len(beginning)] for a in begun})


def naive(model, frames, waveform, answers):
    """Return the sums of log-probabilities [C] of one clip, token by token."""
    scores = []
    for answer in answers:
        logits = next_token_logits(model, frames, waveform, answer)
        score = 0.0
        for place, token in enumerate(answer):
            row = logits[place]
            if model.config["score"] == "constrained":
                allowed = possible(answers, answer[:place])
                row = torch.full_like(row, -torch.inf)
                row[allowed] = logits[place, allowed]
            score += float(row.log_softmax(0)[token])
        scores.append(score)
    return torch.tensor(scores, dtype=torch.float64)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("score", ["likelihood", "constrained"])
@pytest.mark.parametrize("answer", ["label", "letter"])
def test_scores_are_those_of_each_answer_on_its_own(
    make, clips, tokenizer, dtype, score, answer
):
    model = make(score=score, answer=answer, length="sum", pairs=3).to(dtype)
    frames, waveform = (tensor.to(dtype) for tensor in clips(2))
    answers = tokens(tokenizer, model)
    with torch.no_grad():
        together = model(frames, waveform)
        alone = [
            naive(model, frames[i : i + 1], waveform[i : i + 1], answers)
            for i in range(2)
        ]
    assert together.dtype == dtype
    tolerance = 1e-9 if dtype == torch.float64 else 2e-4
    assert torch.allclose(together.double(), torch.stack(alone), atol=tolerance, rtol=0)
    # The clips are not all the same to it.
    assert (together[0] - together[1]).abs().max() > 0.01


def test_the_mean_is_over_the_tokens_of_each_answer(make, clips, tokenizer):
    whole, mean = make(length="sum"), make(length="mean")
    counts = torch.tensor([len(answer) for answer in tokens(tokenizer, whole)])
    assert counts.tolist() == [4, 9, 12, 23]
    with torch.no_grad():
        assert torch.allclose(mean(*clips(2)), whole(*clips(2)) / counts)


def test_a_constrained_answer_is_the_best_of_all_and_sums_to_one(make, clips):
    labels = tuple(f"{colour} {thing}" for colour in "abc" for thing in ("car", "ca"))
    model = make(labels, score="constrained")
    with torch.no_grad():
        scores = model(*clips(3))
    assert torch.allclose(scores.exp().sum(1), torch.ones(3), atol=1e-5)


def test_constrained_answers_stop_where_nothing_is_left_to_choose(make):
    model = make(("dog", "rain", "violin"), score="constrained")
    assert model.answers.targets.shape == (3, 1)
    assert make(score="constrained").answers.lengths.tolist() == [4, 4, 1, 1]


def test_a_batch_of_one_is_a_batch_of_four(make, clips):
    frames, waveform = clips(4)
    for options in ({}, {"score": "constrained"}, {"answer": "letter"}):
        model = make(**options)
        with torch.no_grad():
            whole = model(frames, waveform)
            alone = torch.cat(
                [model(f[None], w[None]) for f, w in zip(frames, waveform, strict=True)]
            )
        assert torch.allclose(whole, alone, atol=1e-4)


def test_how_many_pairs_are_scored_at_once_changes_nothing(make, clips):
    with torch.no_grad():
        scores = [make(pairs=pairs)(*clips(2)) for pairs in (1, 3, 100)]
    for one, other in pairwise(scores):
        assert torch.allclose(one, other, atol=1e-4)


def test_clips_are_read_once_for_all_classes(make, clips):
    model, seen = make(pairs=2), []
    network = model.reader.network.model
    for tower in (network.visual, network.audio_tower):
        tower.register_forward_hook(lambda tower, *_: seen.append(tower))
    with torch.no_grad():
        model(*clips(3))
    assert seen == [network.audio_tower, network.visual]


def test_both_senses_are_used(make, clips):
    model = make().double()
    frames, waveform = (tensor.double() for tensor in clips(1))
    with torch.no_grad():
        whole = model(frames, waveform)
        assert (model(1 - frames, waveform) - whole).abs().max() > 1e-3
        assert (model(frames, waveform.flip(1)) - whole).abs().max() > 1e-3


def test_number_formats(make, clips):
    exact, coarse = make(), make(dtype="bfloat16")
    assert next(coarse.parameters()).dtype == torch.bfloat16
    with torch.no_grad():
        scores = coarse(*clips(2))
        assert scores.dtype == torch.float32
        assert 0 < (scores - exact(*clips(2))).abs().max() < 0.5


def test_one_class_alone_is_certain(make, clips):
    with torch.no_grad():
        assert make(("dog",), score="constrained")(*clips(2)).tolist() == [[0], [0]]
