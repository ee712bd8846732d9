"""Scores of classes, against the whole sequence of each class on its own."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from avplug_videollama.loading import load
from avplug_videollama.prompts import answers_of
from avplug_videollama.videollama3 import VideoLlama3


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
    if isinstance(reader, VideoLlama3):
        media = {"video_merge_sizes": torch.tensor([2])}
    else:
        media = {
            "video_second_per_grid": torch.tensor([2.0]),
            "input_features": reader.mel(waveform),
            "feature_attention_mask": torch.ones(1, reader.hops, dtype=torch.long),
        }
    hidden = network(
        input_ids=ids,
        attention_mask=torch.ones_like(ids),
        pixel_values_videos=reader.patches(frames),
        video_grid_thw=torch.tensor([reader.grid]),
        **media,
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
@pytest.mark.parametrize("weights", ["random", "random-videollama3"])
def test_scores_are_those_of_each_answer_on_its_own(
    make, clips, tokenizer, dtype, score, answer, weights
):
    model = make(weights=weights, score=score, answer=answer, length="sum").to(dtype)
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
    assert model.answers.lengths.tolist() == [1, 1, 1]
    assert not len(model.answers.tokens)
    assert make(score="constrained").answers.lengths.tolist() == [4, 4, 1, 1]


@pytest.mark.parametrize(
    ("seconds", "frames", "options"),
    [
        (2.0, 2, {"score": "constrained"}),
        (0.1, 2, {"answer": "letter"}),
        # Parts of the audio tower's windows, which hold two seconds.
        (3.3, 4, {}),
        (31.0, 2, {}),
    ],
)
def test_how_many_clips_are_in_a_batch_changes_nothing(make, seconds, frames, options):
    model = make(seconds=seconds, frames=frames, **options)
    generator = torch.Generator().manual_seed(3)
    shown = torch.rand(5, frames, 3, 56, 56, generator=generator)
    # One clip falls silent in the middle, one is black.
    heard = 0.1 * torch.randn(5, round(16_000 * seconds), generator=generator)
    heard[1, heard.shape[1] // 2 :] = 0
    shown[2] = 0
    with torch.no_grad():
        whole = model(shown, heard)
        for size in (1, 2, 3, 4):
            parts = zip(shown.split(size), heard.split(size), strict=True)
            again = torch.cat([model(*part) for part in parts])
            assert torch.allclose(whole, again, atol=2e-5, rtol=0)


def test_short_sound_is_sound_and_silence(make, clips):
    frames, waveform = clips(2)
    model = make()
    padded = torch.nn.functional.pad(waveform[:, :20_000], (0, 12_000))
    longer = torch.nn.functional.pad(waveform, (0, 5_000), value=0.5)
    with torch.no_grad():
        assert torch.equal(model(frames, waveform[:, :20_000]), model(frames, padded))
        assert torch.equal(model(frames, longer), model(frames, waveform))


def test_how_many_places_are_held_at_once_changes_nothing(make, clips, monkeypatch):
    scores = []
    for count in (1, 3, 1000):
        monkeypatch.setattr("avplug_videollama.model._AT_ONCE", count)
        with torch.no_grad():
            scores.append(make()(*clips(2)))
    for one, other in pairwise(scores):
        assert torch.allclose(one, other, atol=1e-5)


def test_clips_and_what_answers_share_are_read_once(make, clips):
    model, seen = make(), []
    network = model.reader.network.model
    for tower in (network.visual, network.audio_tower):
        tower.register_forward_hook(lambda tower, *_: seen.append(tower))
    network.language_model.layers[0].register_forward_pre_hook(
        lambda _, hidden: seen.append(hidden[0].shape[:2])
    )
    with torch.no_grad():
        model(*clips(3))
    # Of "car" and "car horn" the beginning, of no answer the end.
    fed = 3 + 5 + 11 + 22
    prompt = model.reader.ids.shape[1]
    assert seen == [network.audio_tower, network.visual, (3, prompt), (3, fed)]


def test_both_senses_are_used(make, clips):
    model = make().double()
    frames, waveform = (tensor.double() for tensor in clips(1))
    with torch.no_grad():
        whole = model(frames, waveform)
        assert (model(1 - frames, waveform) - whole).abs().max() > 1e-3
        assert (model(frames, waveform.flip(1)) - whole).abs().max() > 1e-3


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
@pytest.mark.parametrize("score", ["likelihood", "constrained"])
def test_number_formats(make, clips, dtype, score):
    exact, coarse = make(score=score), make(score=score, dtype=dtype)
    assert next(coarse.parameters()).dtype == getattr(torch, dtype)
    frames, waveform = clips(3)
    with torch.no_grad():
        scores = coarse(frames, waveform)
        assert scores.dtype == torch.float32
        assert 0 < (scores - exact(frames, waveform)).abs().max() < 0.5
        alone = coarse(frames[1:2], waveform[1:2])
    assert torch.allclose(scores[1:2], alone, atol=0.2)


def test_one_class_alone_is_certain(make, clips):
    with torch.no_grad():
        assert make(("dog",), score="constrained")(*clips(2)).tolist() == [[0], [0]]
