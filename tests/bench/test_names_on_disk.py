"""Names of clips and classes never leave the folder that is written."""

import pytest

from avplug.bench.building import build
from avplug.bench.verifying import verify
from avplug.builtin_datasets.folder.dataset import Folder
from avplug.core.clip import AS_IS
from avplug.core.registry import Registry
from tests.bench.written import LABELS, config, movies, rows

IDS = (
    *("-0jeONf82dE_21", "../../../escape", "/etc/passwd", "a/b", "a_b", "", ".hidden"),
    *("..", "x" * 300, "two\nlines", "é", ' "q",|; ', "nul\0", "~", "\ud800"),
)
CLASSES = ("Male speech, man", "a|b; c", "", "<script>", "two\nlines", "class_1", '"q"')
HOSTILE = f"""
    import numpy as np
    from avplug import DatasetSpec, hookimpl
    from avplug.core.clip import Clip, ClipRef
    from avplug.core.dataset import Dataset

    IDS, CLASSES = {IDS!r}, {CLASSES!r}

    class Hostile(Dataset):
        labels, multi_label = CLASSES, True

        def __init__(self, *, split="test", root=None):
            places = range(len(CLASSES))
            self.clips = [
                ClipRef(name, (i % len(places), (i + 1) % len(places)))
                for i, name in enumerate(IDS)
            ]

        def load(self, ref, spec):
            frames = np.full((10, 4, 4, 3), IDS.index(ref.id), np.uint8)
            audio = np.full((1, 800), IDS.index(ref.id), np.float32)
            return Clip(ref.id, frames, np.arange(10) / 200, audio, 16_000, 0.05)

    @hookimpl
    def avplug_datasets():
        return [
            DatasetSpec("hostile", f"{{__name__}}:Hostile", "", needs_root=False)
        ]
"""


@pytest.mark.parametrize("layout", ["frames", "mp4"])
def test_names_that_would_leave_the_folder(dists, tmp_path, layout):
    dists.add("avplug-hostile", HOSTILE)
    registry = Registry(dists.manager())
    out = tmp_path / "out" / "set"
    select = {"dataset": "hostile", "corruptions": (), "limit": None}
    wanted = config(out, **select) if layout == "frames" else movies(out, **select)
    before = {path for path in tmp_path.rglob("*") if out not in path.parents}
    summary = build(wanted, registry)
    assert (summary.written, summary.failures) == (len(IDS), ())
    after = {path for path in tmp_path.rglob("*") if out not in path.parents}
    assert {p for p in after - before if "__pycache__" not in p.parts} == {
        out,
        out.parent,
    }
    names = [row["name"] for row in rows(out) if "clip" in row]
    assert len({name.lower() for name in names}) == len(IDS)
    assert all(len(name) <= 120 and name.isascii() for name in names)
    assert names[0] == IDS[0]
    assert [row["clip"] for row in rows(out) if "clip" in row] == list(IDS)
    (path,) = summary.lists
    stored = Folder(root=path, classes=out / LABELS)
    assert len(stored.labels) == len(CLASSES)
    assert stored.labels[0] == CLASSES[0]
    source = registry.get("dataset", "hostile").load()()
    for place, ref in enumerate(stored.clips):
        assert sorted(ref.labels) == sorted(source.clips[place].labels)
        clip = stored.load(ref, AS_IS)
        assert clip.frames.min() == clip.frames.max() == place
        assert clip.audio.max() == place
    if layout == "mp4":
        assert {"../../../escape", "a/b", "é"} <= {ref.id for ref in stored.clips}
    assert verify(out).problems == ()
