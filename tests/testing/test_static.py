"""What a distribution says, and what loading it shows: each fault has its check."""

import pytest

from avplug.core.discovery import Metadata
from avplug.testing import conformance
from avplug.testing.static import SLOWEST_IMPORT, of_loading, of_metadata
from avplug.testing.worker import HEAVY

FINE = {
    "entry_point": "fog",
    "state": "ok",
    "problem": "",
    "notes": [],
    "hooks": ["avplug_corruptions"],
    "components": [
        {
            "kind": "corruption",
            "name": "fog",
            "names": ["fog", "mist"],
            "summary": "Fog over the picture",
        }
    ],
}
REPORT = {"milliseconds": 3.0, "heavy": [], "printed": "", "records": [FINE]}


def failed(report, taken=None, file=False):
    found = of_loading("avplug-fog", report, taken or {}, file)
    return {o.check: o.message for o in found if o.state == "fail"}


def of_record(**changes):
    return {**REPORT, "records": [{**FINE, **changes}]}


def test_one_that_is_fine():
    assert failed(REPORT) == {}


@pytest.mark.parametrize(
    ("check", "report", "says"),
    [
        ("loads", {**REPORT, "records": []}, "no entry point in the group 'avplug'"),
        ("loads", of_record(state="failed", problem="Fog is gone."), "Fog is gone."),
        ("light", {**REPORT, "heavy": ["torch"]}, "imports torch"),
        ("quick", {**REPORT, "milliseconds": SLOWEST_IMPORT + 1}, "301 ms"),
        ("quiet", {**REPORT, "printed": "hello"}, "'hello'"),
        ("hooks", of_record(notes=["'avplug_foo' is no hook."]), "avplug_foo"),
        ("components", of_record(components=[]), "no component"),
        (
            "summaries",
            of_record(components=[{**FINE["components"][0], "summary": " "}]),
            "fog state no summary",
        ),
    ],
)
def test_each_fault_is_told_by_its_check_alone(check, report, says):
    found = failed(report)
    assert {*found} == {f"static/{check}"}
    assert says in found[f"static/{check}"]


def test_a_name_or_alias_of_avplug_is_told_with_who_has_it():
    found = failed(REPORT, {("corruption", "mist"): "avplug"})
    assert found == {
        "static/names": "it claims corruption 'mist' of avplug as well; choose other "
        "names"
    }


def test_one_that_only_listens_is_a_plugin():
    report = of_record(components=[], hooks=["avplug_cell_finished"])
    assert failed(report) == {}


def test_a_file_may_import_what_it_likes():
    assert failed({**REPORT, "heavy": [*HEAVY], "milliseconds": 9e3}, file=True) == {}


@pytest.mark.parametrize("lacking", ["summary", "license", "version"])
def test_metadata_that_are_not_stated(lacking):
    stated = {"version": "1.0", "summary": "Fog", "license": "MIT", lacking: ""}
    about = Metadata("avplug-fog", requires=("avplug>=0.1,<2",), **stated)
    found = {o.check: o.message for o in of_metadata(about) if o.state == "fail"}
    assert {*found} == {"static/metadata"}


@pytest.mark.parametrize("target", ["Fog", "gone"])
def test_a_target_of_another_kind_or_of_none_is_told_once(tmp_path, target):
    (tmp_path / "fog.py").write_text(
        "from avplug import CorruptionSpec, hookimpl\n"
        "class Fog: pass\n"
        "@hookimpl\n"
        "def avplug_corruptions():\n"
        f"    return [CorruptionSpec('fogg', f'{{__name__}}:{target}', 'Fog')]\n"
    )
    plugin = conformance.find(str(tmp_path / "fog.py"))
    outcomes = list(conformance.check(plugin))
    bad = [(o.component, o.check) for o in outcomes if o.state == "fail"]
    assert bad == [("corruption:fogg", "static/target")]
