import torch

from avplug.builtin_tta.source import Source
from tests.builtin_tta.tinyav import TinyAV, stream


def test_it_predicts_and_changes_nothing() -> None:
    model = TinyAV()
    before = {k: v.clone() for k, v in model.state_dict().items()}
    source = Source(model.train())
    batches = stream()
    logits = [source.step(batch) for batch in batches]
    with torch.no_grad():
        for batch, row in zip(batches, logits, strict=True):
            assert torch.equal(row, model.classify(batch))
    assert not model.training
    assert not logits[0].requires_grad
    assert all(torch.equal(v, before[k]) for k, v in model.state_dict().items())
    assert not source.stateful
    assert source.diagnostics() == {"batches": 8, "forwards": 8}
    source.reset()
    assert source.diagnostics() == {"batches": 0, "forwards": 0}
