"""A short soak: a run killed a dozen times ends as an undisturbed one does."""

import pytest

from benchmarks import soak


@pytest.mark.slow
def test_a_dozen_kills_change_no_bit(capsys, monkeypatch):
    monkeypatch.setenv("AVPLUG_NO_PLUGINS", "1")
    code = soak.main(["--kills", "12", "--minutes", "4", "--limit", "32"])
    said = capsys.readouterr().out
    assert code == 0, said
    assert "bit for bit" in said
    assert not said.startswith("0 kills")


def test_what_differs_is_found(tmp_path):
    from argparse import Namespace

    import numpy as np

    def cell(run, name, value):
        folder = tmp_path / run / "cells" / name
        folder.mkdir(parents=True)
        np.savez(folder / "predictions.npz", logits=np.float32([value]))

    cell("whole", "a", 1)
    trial = soak.Soak(Namespace(seed=0), tmp_path)
    trial.whole = soak.digests(tmp_path / "whole")
    trial.runs = 1
    cell("run0", "a", 1)
    assert trial.faults() == []
    np.savez(
        tmp_path / "run0" / "cells" / "a" / "predictions.npz",
        logits=np.nextafter(np.float32([1]), 2),
    )
    (tmp_path / "run0" / "cells" / ".b~x~1.tmp").mkdir()
    assert trial.faults() == [
        "run0: 0 cells missing, 0 too many, 1 with other predictions",
        "run0: left behind ['.b~x~1.tmp']",
    ]
