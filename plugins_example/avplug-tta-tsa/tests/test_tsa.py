"""TSA: a step by hand, the router, what a reset restores, and a run of avplug."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from avplug_tta_tsa import avplug_adaptations
from avplug_tta_tsa.tsa import TSA
from typer.testing import CliRunner

from avplug import Batch, CapabilityError, InputSpec, Model, Stream, UsageError
from avplug.cli.app import build_app

WIDTH, CLASSES = 3, 4


@dataclass
class Tokens:
    audio: torch.Tensor
    video: torch.Tensor


class Linear(Model):
    """Tokens are the inputs; logits are linear in the mean token of each sense."""

    input = InputSpec()

    def __init__(self):
        super().__init__(("a", "b", "c", "d"))
        draw = torch.Generator().manual_seed(4)
        self.heads = torch.nn.ParameterList(
            torch.randn(WIDTH, CLASSES, generator=draw, dtype=torch.float64)
            for _ in range(2)
        )

    def encode(self, batch):
        return Tokens(batch.waveform.unflatten(1, (-1, WIDTH)), batch.frames[..., 0])

    def fuse(self, tokens):
        heard, seen = tokens.audio.mean(1), tokens.video.flatten(1, 2).mean(1)
        return heard @ self.heads[0] + seen @ self.heads[1]

    def forward(self, frames, waveform):
        lengths = torch.full((len(frames),), waveform.shape[1])
        return self.fuse(self.encode(Batch(frames, waveform, lengths)))


def batch(seed, clips=5):
    draw = torch.Generator().manual_seed(seed)
    frames = torch.randn(clips, 2, 4, WIDTH, 1, generator=draw, dtype=torch.float64)
    waveform = torch.randn(clips, 6 * WIDTH, generator=draw, dtype=torch.float64)
    return Batch(frames, 2 * waveform, torch.full((clips,), 6 * WIDTH))


def softmax(values):
    powers = np.exp(values - values.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def gradients(model, inputs, picture, confidence, threshold, masking):
    """Return the loss's gradient for both maps while they are zero, by hand."""
    tokens = model.encode(inputs)
    heard = tokens.audio.mean(1).numpy()
    seen = tokens.video.flatten(1, 2).mean(1).numpy()
    head_a, head_v = (head.detach().numpy() for head in model.heads)
    shares = softmax(heard @ head_a + seen @ head_v)
    best = np.eye(CLASSES)[shares.argmax(1)]
    sure = (shares.max(1) >= threshold).astype(float)
    assert 0 < sure.mean() < 1
    weight = sure if masking == "each" else np.full(len(sure), sure.mean())
    to_logits = confidence * weight[:, None] * (shares - best) / len(shares)
    even = softmax(shares.sum(0))
    balance = -(even * np.log(even)).sum()
    to_sums = even * (np.log(even) + balance)
    to_logits += shares * (to_sums - (shares @ to_sums)[:, None])
    return (
        heard.T @ ((1 - picture)[:, None] * (to_logits @ head_a.T)),
        seen.T @ (picture[:, None] * (to_logits @ head_v.T)),
    )


@pytest.mark.parametrize("masking", ["each", "batch"])
def test_a_step_by_hand(masking, monkeypatch):
    model, first, second = Linear(), batch(0), batch(1)
    adapter = TSA(
        model, lr=0.01, threshold=0.8, temperature=0.7, confidence=0.6, masking=masking
    )
    noise = np.array([[0.1, 0.5], [1.2, 0.2], [0.0, 0.0], [-0.3, 0.9], [0.4, 0.1]])
    monkeypatch.setattr(adapter, "gumbel", lambda clips: torch.tensor(noise))
    answer = adapter.step(first)
    # While nothing is learnt both halves of the answer are the model's.
    source = model.fuse(model.encode(first)).detach()
    assert torch.allclose(answer, source, rtol=0, atol=1e-12)
    picture = softmax(noise / 0.7)[:, 0]
    maps = []
    for name, slope in zip(
        ("audio", "video"),
        gradients(model, first, picture, 0.6, 0.8, masking),
        strict=True,
    ):
        # Adam's first step.
        maps.append(-0.01 * slope / (np.abs(slope) + 1e-8))
        learnt = adapter.parameters[name].detach().numpy()
        np.testing.assert_allclose(learnt, maps[-1], rtol=0, atol=1e-9)
    # While the maps are zero it does not matter whose is used.
    assert not adapter.parameters["router"].detach().any()
    tokens = model.encode(second)
    heard = tokens.audio.mean(1).numpy()
    seen = tokens.video.flatten(1, 2).mean(1).numpy()
    head_a, head_v = (head.detach().numpy() for head in model.heads)
    shift = heard @ maps[0] @ head_a + seen @ maps[1] @ head_v
    expected = heard @ head_a + seen @ head_v + shift / 2
    np.testing.assert_allclose(adapter.step(second), expected, rtol=0, atol=1e-9)
    assert adapter.parameters["router"].detach().any()


class Plain:
    """TSA in loops over clips and tokens, its Adam by hand; nothing of the plugin."""

    def __init__(self, model, lr, confidence, threshold, temperature, masking):
        self.heads = [head.detach() for head in model.heads]
        self.lr, self.confidence, self.threshold = lr, confidence, threshold
        self.temperature, self.masking = temperature, masking
        shapes = {"audio": (WIDTH, WIDTH), "video": (WIDTH, WIDTH), "router": (2,)}
        self.learnt = {k: torch.zeros(v).double() for k, v in shapes.items()}
        self.moments = {k: (v * 0, v * 0) for k, v in self.learnt.items()}
        self.steps = 0

    def logits(self, tokens, clip, learnt, sound, picture):
        total = torch.zeros(CLASSES).double()
        tracks = (tokens.audio[clip], tokens.video[clip].flatten(0, 1))
        amounts = (sound, picture)
        for track, amount, name, head in zip(
            tracks, amounts, ("audio", "video"), self.heads, strict=True
        ):
            for token in track:
                moved = token + amount * (token @ learnt[name])
                total = total + moved @ head / len(track)
        return total

    def step(self, tokens, noise):
        clips = range(len(tokens.audio))
        before = [
            self.logits(tokens, clip, self.learnt, 0, 1) / 2
            + self.logits(tokens, clip, self.learnt, 1, 0) / 2
            for clip in clips
        ]
        learnt = {k: v.clone().requires_grad_() for k, v in self.learnt.items()}
        costs, sure, sums = [], [], torch.zeros(CLASSES).double()
        for clip in clips:
            sides = ((learnt["router"] + noise[clip]) / self.temperature).softmax(0)
            out = self.logits(tokens, clip, learnt, sides[1], sides[0])
            share = out.softmax(0)
            costs.append(torch.nn.functional.cross_entropy(out, out.argmax()))
            sure.append(float(share.max() >= self.threshold))
            sums = sums + share
        if self.masking == "each":
            pairs = zip(costs, sure, strict=True)
            entropy = sum(cost * keep for cost, keep in pairs) / len(costs)
        else:
            entropy = sum(costs) / len(costs) * sum(sure) / len(sure)
        even = sums.softmax(0)
        balance = -sum(share * share.log() for share in even)
        torch.autograd.backward(self.confidence * entropy - balance)
        self.steps += 1
        for name, value in learnt.items():
            first, second = self.moments[name]
            first = 0.9 * first + 0.1 * value.grad
            second = 0.999 * second + 0.001 * value.grad**2
            self.moments[name] = first, second
            scaled = (second / (1 - 0.999**self.steps)).sqrt() + 1e-8
            change = first / (1 - 0.9**self.steps) / scaled
            self.learnt[name] = self.learnt[name] - self.lr * change
        return torch.stack(before)


@pytest.mark.parametrize("masking", ["each", "batch"])
@pytest.mark.parametrize(("confidence", "threshold"), [(0.5, 0.9), (1.0, 0.8)])
def test_a_stream_is_that_of_a_plain_implementation(
    masking, confidence, threshold, monkeypatch
):
    model = Linear()
    options = {"lr": 0.05, "confidence": confidence, "threshold": threshold}
    options |= {"temperature": 0.3, "masking": masking}
    adapter, plain = TSA(model, **options), Plain(model, **options)
    draw = torch.Generator().manual_seed(11)
    for seed in range(6):
        source = batch(seed, clips=5 if seed < 5 else 2)
        noise = torch.randn(len(source), 2, generator=draw, dtype=torch.float64)
        monkeypatch.setattr(adapter, "gumbel", lambda clips, noise=noise: noise)
        expected = plain.step(model.encode(source), noise)
        assert torch.allclose(adapter.step(source), expected, rtol=0, atol=1e-9)
    for name, value in plain.learnt.items():
        assert value.abs().max() > 0.01
        learnt = adapter.parameters[name].detach()
        # Adam's eps makes much of a slope that is nearly nought.
        assert torch.allclose(learnt, value, rtol=0, atol=1e-7), name


def test_the_noise_is_gumbels():
    adapter = TSA(Linear())
    adapter.begin(Stream(1, 1, seed=5))
    drawn = adapter.gumbel(20_000).flatten().sort().values
    share = torch.arange(1, len(drawn) + 1) / len(drawn)
    # Kolmogorov and Smirnov's distance from exp(-exp(-x)).
    assert (torch.exp(-torch.exp(-drawn)) - share).abs().max() < 0.01


def test_the_published_temperature_picks_a_side():
    adapter = TSA(Linear())
    adapter.begin(Stream(1, 400, seed=3))
    adapter.step(batch(2, clips=400))
    noise = TSA(Linear())
    noise.begin(Stream(1, 400, seed=3))
    drawn = noise.gumbel(400)
    share = (drawn[:, 0] > drawn[:, 1]).double().mean().item()
    told = adapter.diagnostics()
    assert told["picture_adapted"] == pytest.approx(share, abs=0.01)
    assert share == pytest.approx(0.5, abs=0.1)
    assert (told["batches"], told["updates"], told["nonfinite"]) == (1, 1, 0)


def test_post_answers_with_what_was_learnt():
    before, after = TSA(Linear(), lr=0.01), TSA(Linear(), lr=0.01, predicts="post")
    assert not torch.equal(before.step(batch(0)), after.step(batch(0)))
    for name, learnt in before.parameters.items():
        assert torch.equal(learnt, after.parameters[name])


def test_a_reset_restores_and_the_model_never_changes():
    model = Linear()
    weights = [head.detach().clone() for head in model.heads]
    adapter = TSA(model, lr=0.05)

    def stream():
        adapter.reset()
        adapter.begin(Stream(4, 20, seed=7))
        return torch.stack([adapter.step(batch(i)) for i in range(4)])

    first, diagnosis = stream(), adapter.diagnostics()
    assert torch.equal(first, stream())
    assert adapter.diagnostics() == diagnosis
    assert all(map(torch.equal, weights, model.heads))
    adapter.reset()
    assert adapter.parameters == {}
    assert adapter.diagnostics()["updates"] == 0


def test_another_seed_draws_other_sides():
    streams = []
    for seed in (1, 2):
        adapter = TSA(Linear(), lr=0.05)
        adapter.begin(Stream(3, 15, seed=seed))
        streams.append(torch.stack([adapter.step(batch(i)) for i in range(3)]))
    assert not torch.equal(*streams)


def test_a_broken_batch_teaches_nothing():
    adapter = TSA(Linear(), lr=0.05)
    adapter.step(batch(0))
    learnt = {k: p.detach().clone() for k, p in adapter.parameters.items()}
    bad = batch(1)
    bad.waveform[2, 0] = torch.nan
    adapter.step(bad)
    assert all(torch.equal(p, learnt[k]) for k, p in adapter.parameters.items())
    assert adapter.diagnostics()["nonfinite"] == 1


def test_a_single_clip_is_enough():
    assert TSA(Linear()).step(batch(0, clips=1)).shape == (1, CLASSES)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"lr": -1.0}, "lr is -1.0"),
        ({"threshold": 1.5}, "threshold is 1.5: 0 to 1"),
        ({"temperature": 0.0}, "temperature is 0.0"),
        ({"masking": "none"}, "masking is 'none'"),
        ({"predicts": "now"}, "predicts is 'now'"),
    ],
)
def test_options_out_of_range_are_refused(options, message):
    with pytest.raises(UsageError, match=message):
        TSA(Linear(), **options)


def test_a_model_in_one_piece_is_refused():
    with pytest.raises(CapabilityError, match="no encode and fuse"):
        TSA(Model(("a", "b")))


def test_the_descriptor_says_what_it_needs():
    (spec,) = avplug_adaptations()
    assert (spec.name, spec.needs) == ("tsa", ("encode",))
    assert spec.target == f"{TSA.__module__}:{TSA.__name__}"


def test_a_run_of_avplug(tmp_path):
    arguments = "--plugin avplug_tta_tsa run --tta source,tsa -o tsa.lr=1e-3"
    arguments += " -c gaussian --severity 5 --limit 32"
    result = CliRunner().invoke(
        build_app(), [*arguments.split(), "--out", str(tmp_path / "run")]
    )
    assert result.exit_code == 0, result.output
    assert len(list((tmp_path / "run" / "cells").glob("*/predictions.npz"))) == 4
