"""Attacked networks beside the tables of CVPR'21 and ICLR'25."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from avplug.core.published import (
    PublishedAttackProtocol,
    PublishedNumber,
    PublishedProtocol,
    PublishedResults,
)
from avplug.core.registry import get_registry
from avplug.report.attacked import threat_of
from avplug.report.export import scores_json
from avplug.report.html import page
from avplug.report.markdown import markdown
from avplug.report.metrics import find_metrics
from avplug.report.published import Source, find_sources
from avplug.report.published_attack_tables import beside_attacks
from avplug.report.published_attacks import printed_threat
from avplug.report.published_networks import (
    Network,
    is_attack,
    own_network,
    published_network,
)
from avplug.report.scores import score
from avplug.report.write import read_scores
from tests.report.stores import TOP1, right
from tests.report.test_attacks import attack, threat  # noqa: F401 - a fixture

DEVIATIONS = (0.229, 0.224, 0.225)
CONFIG = {"image_size": 64, "samples": 16384, "frame_width": 64, "picks": [39]}


def network(name="concat", seed=0, fusion="concat", defense=None, **config):
    """The identity of a network as a run has it; "" as name for one of no suite."""
    model = {
        "name": "cvpr21",
        "variant": "tiny",
        "weights": f"{name}{fusion}{seed}",
        "config": {**CONFIG, "fusion": fusion, **config},
    }
    if name:
        model["training"] = {"name": name, "seed": seed}
    if defense:
        options = {"minsim": 1.0} if name == "minsim-exfmem" else {}
        model["defense"] = {"name": defense, "options": options}
    return model


def sized(epsilon=0.006, scale=DEVIATIONS, **changes):
    found = threat(epsilon, epsilon)
    found["video"]["scale"] = list(scale)
    return {**found, **changes}


@pytest.fixture
def under(maker, attack):  # noqa: F811
    """Return a function that stores a cell attacked within CVPR'21's budget."""
    maker.dataset = "ave"

    def add(count, senses, name="fgsm", model=None, about=None, **changes):
        about = {"threat": sized(), **(about or {})}
        model = model or network()
        return attack(count, senses, name, model=model, about=about, **changes)

    return add


@pytest.fixture
def ave(maker, under):
    """An undefended network, MinSim's and one of sound alone; two trainings each."""
    maker.run["trainings"] = [
        {"name": name, "seed": seed, "epochs": 6, "seconds": 1.0}
        for name in ("concat", "minsim", "audio")
        for seed in (0, 1)
    ]
    kinds = {
        "concat": (16, {"a": 8, "v": 6, "av": 2}, {}),
        "minsim": (14, {"a": 12, "v": 10, "av": 8}, {"defense": "minsim"}),
        "audio": (10, {"a": 0, "v": 10, "av": 0}, {"fusion": "audio"}),
    }
    for name, (clean, counts, changes) in kinds.items():
        for seed in (0, 1):
            model = network(name, seed, **changes)
            maker.add(right(clean + 2 * seed), model=model)
            for senses, count in counts.items():
                under(count + 2 * seed, senses, model=model)
    return maker


def compared(maker, *papers, dataset=None, metric=TOP1):
    scores = score(maker.store, [metric], 0)
    sources = find_sources(get_registry(), papers or ("cvpr21", "iclr25"))
    return beside_attacks(scores.attacks, scores.run, sources, dataset)


def rows(found):
    keys = [column.key for column in found.numbers.columns]
    return [dict(zip(keys, map(str, row), strict=True)) for row in found.numbers.rows]


def told(found):
    return {row[0]: row[1:] for row in found.protocol.rows}


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


OTHERS = {
    "a budget of pixels": {"about": {"threat": sized(scale=(1.0,))}},
    "a larger budget": {"about": {"threat": sized(0.02)}},
    "a joint ball": {"about": {"threat": sized(joint=True)}},
    "an attack it has not": {"name": "apgd"},
    "a target": {"options": {"steps": 10, "target": "next"}},
    "a transfer": {"about": {"surrogates": [network("sum", fusion="sum")]}},
    "noise": {"facts": {"gradient": False, "forwards": 0}},
    "an adapted network": {"tta": "tent"},
    "corrupted clips": {"corruption": "rain", "severity": 5},
}


@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS)
def test_another_attack_does_not(maker, under, other):
    under(3, "v", **other)
    assert compared(maker) == []


NOBODY = {
    "trained on": network("concat-longer"),
    "trained against attacks": network("pgd-at", defense="adversarial"),
    "named otherwise than defended": network("concat", defense="pcl"),
    "named otherwise than fused": network("concat", fusion="sum"),
    "one that localises": network("", pool="localised"),
    "another model": {"name": "cav-mae", "weights": "abc", "config": {}},
}


@pytest.mark.parametrize("model", NOBODY.values(), ids=NOBODY)
def test_another_network_does_not(maker, under, model):
    maker.add(right(9), model=model)
    under(3, "a", model=model)
    assert own_network(model) is None
    assert compared(maker) == []


def test_neither_another_data_set_nor_another_metric_does(ave):
    assert compared(ave, dataset="VGGSound") == []
    (top5,) = find_metrics(get_registry(), ("top5",))
    assert compared(ave, metric=top5) == []
    found = compared(ave, dataset="Kinetics-Sounds27")
    assert [each.dataset for each in found] == ["Kinetics-Sounds27"]


def test_a_network_of_no_suite_is_known_by_its_record(maker, under):
    maker.run["trainings"] = [{"name": "", "seed": 0, "epochs": 6, "seconds": 1.0}]
    under(4, "av", model=network("", fusion="gated-sum"))
    (found,) = compared(maker, dataset="MUSIC")
    (row,) = rows(found)
    assert row["model"] == "AV-Gated-Sum"
    assert row["own"] == "20.0"
    assert row["own_place"].startswith("cvpr21:tiny; fgsm; V linf")
    for name in ("trainings", "epochs"):
        assert told(found)[name][1] == "not in the run's record"


def test_every_network_of_the_papers_tables_is_one_of_the_suite():
    numbers = find_sources(get_registry(), ("cvpr21",))[0].results.numbers
    found = {published_network(n.model, n.method) for n in numbers}
    fusions = ("concat", "sum", "film", "gated-sum", "gated-concat", "audio", "visual")
    expected = {own_network(network(name, fusion=name)) for name in fusions}
    defenses = ("pcl", "maxsim", "minsim", "exfmem")
    expected |= {own_network(network(name, defense=name)) for name in defenses}
    expected |= {own_network(network("minsim-exfmem", defense="exfmem"))}
    assert None not in found
    assert found == expected
    assert own_network(network("undefended")) == Network("concat", "none")


@pytest.mark.parametrize(
    ("published", "name", "options", "same"),
    [
        ("FGSM", "fgsm", {}, True),
        ("MIM", "mim-cvpr21", {}, True),
        ("MIM", "pgd", {}, False),
        ("I-FGSM", "pgd", {}, True),
        ("NI-FGSM", "mim", {}, False),
        ("TIA (minimise Eq.2), 5 steps", "tia", {"temporal": 0.1}, True),
        ("TIA (minimise Eq.2), 5 steps", "tia", {"temporal": -0.1}, False),
        ("TIA with Eq.2 maximised, 5 steps", "tia", {"temporal": -0.1}, True),
        ("TMA (=TIA+MMA)", "tma", {"temporal": 0.1}, True),
        ("FGSM", "fgsm", {"target": "next"}, False),
    ],
)
def test_names_of_attacks(published, name, options, same):
    assert is_attack(published, {"name": name, "options": options}) is same


@pytest.fixture
def transfers(maker, under):
    """TIA and TMA on networks of both senses, and carried over between them."""
    maker.dataset = "kinetics-sounds"
    tia = {"steps": 10, "temporal": 0.1}
    two = {"concat": network("undefended"), "sum": network("sum", fusion="sum")}
    for model in two.values():
        maker.add(right(16), model=model)
    under(4, "av", "tia", two["concat"], options=tia)
    from_concat = {"surrogates": [two["concat"]]}
    under(8, "av", "tia", two["sum"], from_concat, options=tia)
    under(12, "av", "tma", two["sum"], from_concat, options=tia)
    return under, two, tia


def test_success_stands_beside_by_what_the_attacker_knows(maker, transfers):
    (found,) = compared(maker, "iclr25")
    white, black, average = rows(found)
    assert (white["published"], white["own"]) == ("82.30", "75.0"), "12 of 16"
    assert (black["published"], black["own"]) == ("54.90", "50.0"), "8 of 16"
    assert (average["published"], average["own"]) == ("95.20", "25.0"), "4 of 16"
    assert "second-hand" in average["note"]
    assert "from undefended #0" in black["own_place"]
    about = told(found)
    assert about["budgets"][::2] == ("not stated", "not known")
    assert about["TIA (minimise Eq.2), 5 steps: steps"] == ("5", "10", "differs")
    assert about["clips"][::2] == ("not stated", "not known")
    assert about["the attacker knows"][1:] == ("white-box, black-box", "same")
    assert about["success is of"][1] == "clips that were right before"


def test_an_ensemble_and_a_defended_surrogate_are_told_apart(maker, transfers):
    under, two, tia = transfers
    defended = {"surrogates": [network("pgd-at", defense="adversarial")]}
    under(0, "av", "tma", two["sum"], defended, options=tia)
    under(0, "a", "tma", two["sum"], {"surrogates": [two["concat"]]}, options=tia)
    several = {"surrogates": [*two.values()]}
    under(2, "av", "tma", two["sum"], several, options=tia)
    (found,) = compared(maker, "iclr25")
    own = {row["model"]: row["own"] for row in rows(found)}
    assert own["8 victims, average"] == "25.0"
    assert own["ensemble attack, all victims"] == "87.5"


def test_knowledge_that_is_not_stated_fits_both(maker, under):
    maker.dataset = "kinetics-sounds"
    for model in (network(), network("sum", fusion="sum")):
        maker.add(right(10), model=model)
    under(5, "av")
    under(
        8, "av", model=network("sum", fusion="sum"), about={"surrogates": [network()]}
    )
    (found,) = compared(maker, "iclr25")
    assert [row["own"] for row in rows(found)] == ["50.0", "20.0"]
    assert {row["place"] for row in rows(found)} == {"third-party reviews"}
    assert told(found)["the attacker knows"][::2] == ("not stated", "not known")


@given(
    st.floats(1e-4, 0.4), st.floats(1.01, 10.0), st.sampled_from(["pixel", "imagenet"])
)
def test_only_the_printed_budget_fits(size, factor, unit):
    scale = DEVIATIONS if unit == "imagenet" else (1.0,)
    protocol = PublishedAttackProtocol(colours=scale)
    number = PublishedNumber(
        "T", "d", "m", "none", "FGSM", f"a={size},v={size}", "acc_xAV", 1.0
    )
    printed = printed_threat(number, protocol)
    assert printed == threat_of(sized(size, scale))
    assert printed != threat_of(sized(size * factor, scale))


@pytest.mark.parametrize("severity", ["avg", "vs none", "a=much,v=0", "a=0.1", "0"])
def test_what_is_no_budget_has_none(severity):
    number = PublishedNumber("T", "d", "m", "none", "FGSM", severity, "acc_xA", 1.0)
    assert printed_threat(number, PublishedAttackProtocol()) is None


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
