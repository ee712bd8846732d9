"""How the protocol of an attacked run differs from a paper's."""

from __future__ import annotations

from avplug.core.published import PublishedProtocol
from avplug.core.registry import get_registry
from avplug.report.published_sources import find_sources
from tests.report.papers import DEVIATIONS, compared, network, rows, told
from tests.report.stores import right


def test_the_differences_are_those_of_the_record(ave):
    (found,) = compared(ave, "cvpr21")
    about = told(found)
    assert about["data set"] == ("AVE", "ave", "same")
    assert about["clips"] == ("402", "20", "differs")
    assert about["classes"] == ("28", "3", "differs")
    assert about["network: image size"] == ("224", "64", "differs")
    assert about["network: samples"] == ("33075", "16384", "differs")
    assert about["network: frame width"][2] == "same"
    assert about["network: pool"] == ("avg", "not recorded", "differs")
    assert about["epochs"] == ("100 or 30", "6", "differs")
    assert about["training clips"][::2] == ("3339", "not known")
    own = ("not stated", "mean of 2, seeds 0, 1", "not known")
    assert about["trainings"] == own
    assert about["budgets"][2] == "same"
    assert "0.35/0.343/0.344 of 255 grey levels" in about["budgets"][1]
    assert about["the attacker knows"] == ("white-box", "white-box", "same")
    # The miniature's cells say ten steps, FGSM or not.
    assert about["FGSM: steps"] == ("1", "10", "differs")
    assert about["attacked loss, undefended"][2] == "same"
    assert about["attacked loss, defended"][2] == "differs"
    assert about["FGSM: leaves its budget"][1:] == ("not left", "differs")
    assert about["PSNR"] == (
        "not stated", "38.0 (36.0), in dB, mean (worst clip)", "not known"
    )  # fmt: skip


def test_what_changes_in_the_record_changes_what_is_told(maker, under):
    options = {"steps": 10, "step": 0.125, "similarity": 1.0}
    left = {"outside": 3}
    model = network("minsim", 4, defense="minsim", image_size=224)
    maker.add(right(14), model=model)
    under(3, "v", "mim-cvpr21", model, options=options, facts=left)
    (found,) = compared(maker, "cvpr21", dataset="MUSIC")
    about = told(found)
    # Table 6 has MIM for MinSim+ExFMem only; clean clips alone are compared.
    assert {row["quantity"] for row in rows(found)} == {"top-1 % before"}
    assert "budgets" not in about
    model = network("pcl", 4, defense="pcl", image_size=224)
    under(3, "v", "mim-cvpr21", model, options=options, facts=left)
    (found,) = compared(maker, "cvpr21", dataset="MUSIC")
    about = told(found)
    assert about["data set"] == ("MUSIC", "ave", "differs")
    assert about["network: image size"] == ("224", "224", "same")
    assert about["epochs"] == ("100", "not in the run's record", "differs")
    assert about["trainings"][1] == "seed 4"
    assert about["MIM: leaves its budget"][1:] == ("in 1 of 1 cells", "same")
    assert about["MIM: steps"] == ("10", "10", "same")
    assert about["MIM: run as"][1] == "mim-cvpr21"
    assert about["attacked loss, defended"][2] == "same"


def test_the_protocols_of_both_papers_are_filled():
    cvpr21, iclr25 = find_sources(get_registry(), ("cvpr21", "iclr25"))
    for protocol in cvpr21.results.protocols.values():
        assert isinstance(protocol, PublishedProtocol)
        assert protocol.clips
        assert protocol.classes
        assert protocol.attacks.epochs
        assert protocol.attacks.training_clips
        assert set(protocol.attacks.steps) == {"FGSM", "PGD", "MIM"}
        assert protocol.attacks.colours == DEVIATIONS
    assert iclr25.results.protocols["Kinetics-Sounds"].attacks.norm == ""
