"""The printed numbers of CVPR'21 and ICLR'25 beside those of a run."""

from __future__ import annotations

import pytest

from avplug.core.published import PublishedNumber, PublishedResults
from avplug.report.export import scores_json
from avplug.report.html import page
from avplug.report.markdown import markdown
from avplug.report.published_attack_tables import beside_attacks
from avplug.report.published_sources import Source
from avplug.report.scores import score
from avplug.report.write import read_scores
from tests.report.papers import compared, rows, sized, told
from tests.report.stores import TOP1


def one(maker, quantity, place="Table 5", **wanted):
    (found,) = compared(maker, "cvpr21")
    wanted |= {"quantity": quantity, "place": place}
    (row,) = [row for row in rows(found) if wanted.items() <= row.items()]
    return row


@pytest.mark.parametrize(
    ("quantity", "method", "published", "own", "difference"),
    [
        ("top-1 % before", "none", "70.40", "85.0 ± 7.1", "+14.6"),
        ("top-1 %, A attacked", "none", "40.55", "45.0 ± 7.1", "+4.5"),
        ("top-1 %, V attacked", "MinSim", "25.37", "55.0 ± 7.1", "+29.6"),
        ("top-1 %, AV attacked", "MinSim", "21.39", "45.0 ± 7.1", "+23.6"),
        ("top-1 %, A attacked", "Unimodal A", "1.24", "5.0 ± 7.1", "+3.8"),
        ("Avg", "MinSim", "34.66", "55.0 ± 7.1", "+20.3"),
        # (75 + 55) - (85 + 31.67) of both seeds, which differ by 10 in each number.
        ("RI", "MinSim", "+10.45", "+13.3 ± 0.0", "+2.9"),
    ],
)
def test_a_number_stands_beside_the_run_s(
    ave, quantity, method, published, own, difference
):
    row = one(ave, quantity, method=method)
    assert (row["published"], row["own"]) == (published, own)
    assert row["difference"] == difference


def test_both_places_are_told_with_budget_psnr_and_snr(ave):
    row = one(ave, "top-1 %, V attacked", method="MinSim")
    assert row["severity"] == "a=0,v=0.006"
    assert row["own_place"] == "minsim #0, 1; fgsm; V linf 0.35:0.343:0.344/255"
    assert (row["psnr"], row["snr"]) == ("38.0 (36.0)", "20.0 (5.0)")
    assert one(ave, "top-1 % before", method="MinSim")["psnr"] == "None"


def test_only_what_the_run_has_stands_beside(ave):
    (found,) = compared(ave, "cvpr21")
    met = rows(found)
    assert {row["place"] for row in met} == {"Table 4", "Table 5", "Table 6"}
    assert {row["method"] for row in met} == {"none", "MinSim", "Unimodal A"}
    assert {row["corruption"] for row in met} == {"clean", "FGSM"}
    assert found.dataset == "AVE"


def test_a_plugin_s_paper_in_pixels_stands_beside_too(maker, under):
    under(5, "v", about={"threat": sized(0.03, (1.0,))})
    number = PublishedNumber(
        "Table 1", "AVE", "AV-concat", "none", "FGSM", "a=0,v=0.03", "acc_xV", 30.0
    )
    source = Source("p", "Ours", "", PublishedResults((number,)))
    scores = score(maker.store, [TOP1], 0)
    (found,) = beside_attacks(scores.attacks, scores.run, [source])
    assert [row["own"] for row in rows(found)] == ["25.0"]
    assert told(found)["FGSM: steps"] == ("not stated", "10", "not known")


def test_the_report_of_an_attacked_run_has_them(ave):
    scores = read_scores(ave.store.folder, resamples=0)
    shown, table = page(scores), markdown(scores)
    for text in (shown, table):
        assert "attacked networks beside this run" in text
        assert "40.55" in text
        assert "how the protocols of attacks differ" in text
    (found,) = scores_json(scores)["published"]
    assert (found["paper"], found["dataset"]) == ("cvpr21", "AVE")
    assert found["numbers"]["rows"][0]["place"] == "Table 5"
