import pytest
import torch
from torch.nn import functional as F

from avplug.builtin_tta.eata import EATA, ETA
from avplug.core.adaptation import Stream
from avplug.core.batch import Batch
from avplug.core.errors import CapabilityError, UsageError
from tests.builtin_tta.tinyav import TinyAV, batch_of, clean, stream, what_comes


def started(**options: object) -> EATA:
    eata = EATA(TinyAV(), lr=1e-2, **options)
    eata.begin(what_comes())
    return eata


def test_importance_is_the_mean_squared_gradient_of_own_answers() -> None:
    model = TinyAV().eval()
    parameters = model.parameters_for("norm")
    expected = dict.fromkeys(parameters, torch.zeros(()))
    for batch in clean():
        logits = model.classify(batch)
        loss = F.cross_entropy(logits, logits.argmax(-1))
        gradients = torch.autograd.grad(loss, list(parameters.values()))
        for name, gradient in zip(parameters, gradients, strict=True):
            expected[name] = expected[name] + gradient**2 / 2
    fisher = started().fisher
    assert fisher.keys() == expected.keys()
    for name, tensor in fisher.items():
        torch.testing.assert_close(tensor, expected[name])


def test_clean_clips_change_no_weight_and_leave_no_gradient() -> None:
    eata, source = started(), TinyAV()
    state = source.state_dict()
    assert all(torch.equal(t, state[n]) for n, t in eata.model.state_dict().items())
    assert not any(p.grad is not None for p in eata.model.parameters())
    assert set(eata.diagnostics().values()) == {0}


def test_it_takes_no_more_clean_clips_than_asked_for() -> None:
    taken: list[Batch] = []

    def source() -> object:
        for batch in clean():
            taken.append(batch)
            yield batch

    EATA(TinyAV(), fisher_clips=16).begin(Stream(8, 128, 0, source))
    assert len(taken) == 1


def test_the_same_clean_clips_are_measured_once() -> None:
    asked = []

    def source() -> list[Batch]:
        asked.append(1)
        return stream()[:2]

    model = TinyAV()

    def measured(key: str) -> dict[str, torch.Tensor]:
        eata = EATA(model)
        eata.begin(Stream(8, 128, 0, source, key))
        return eata.fisher

    first, second = measured("train"), measured("train")
    assert len(asked) == 1
    assert all(torch.equal(first[name], second[name]) for name in first)
    measured("other clips")
    assert len(asked) == 2
    with torch.no_grad():
        model.norm.weight.mul_(2)
    assert not torch.equal(measured("other clips")["norm.weight"], first["norm.weight"])
    assert len(asked) == 3
    for _ in range(2):
        measured("")
    assert len(asked) == 5


def test_the_pull_keeps_weights_nearer_to_the_source() -> None:
    moved = []
    for alpha in (0.0, 2000.0):
        eata = EATA(
            TinyAV(), lr=1e-2, optimizer="sgd", fisher_alpha=alpha, momentum=0.0
        )
        eata.begin(what_comes())
        for batch in stream():
            eata.step(batch)
        source = TinyAV().state_dict()
        gaps = [(p - source[n]).norm() ** 2 for n, p in eata.parameters.items()]
        moved.append(torch.stack(gaps).sum().sqrt().item())
    assert moved[1] < moved[0]


def test_without_the_fisher_term_it_is_eta_and_needs_no_clean_clips() -> None:
    eta, eata = ETA(TinyAV(), lr=1e-2), EATA(TinyAV(), lr=1e-2, fisher=False)
    for adapter in (eta, eata):
        adapter.begin(Stream(8, 128, 0))
    for batch in stream():
        assert torch.equal(eta.step(batch), eata.step(batch))


def test_without_clean_clips_it_says_what_to_do() -> None:
    with pytest.raises(CapabilityError, match=r"training split.*fisher=false"):
        EATA(TinyAV()).begin(Stream(8, 128, 0))


def test_clean_clips_that_are_broken_are_refused() -> None:
    bad = [batch_of(torch.full((2, 16, 20), float("nan")))]
    with pytest.raises(CapabilityError, match="No clean batch"):
        EATA(TinyAV()).begin(Stream(8, 128, 0, lambda: bad))


def test_a_stream_that_did_not_begin_is_refused() -> None:
    with pytest.raises(CapabilityError, match=r"before begin\(stream\)"):
        EATA(TinyAV()).step(stream()[0])


def test_what_begin_found_outlives_a_reset() -> None:
    eata = started()
    first = [eata.step(batch) for batch in stream()]
    eata.reset()
    again = [eata.step(batch) for batch in stream()]
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))


def test_clips_are_whole() -> None:
    with pytest.raises(UsageError, match="Option fisher_clips"):
        EATA(TinyAV(), fisher_clips=0.5)
