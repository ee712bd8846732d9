"""Where a crash in compiled code was, and whose it is."""

import subprocess
import sys
from pathlib import Path

import avplug
from avplug.core.crashes import Frame, frames, place
from avplug.core.culprits import crashed

OWN = str(Path(avplug.__file__).parent / "core" / "corruption.py")
DUMP = f"""what was printed before
Fatal Python error: Segmentation fault

Thread 0x00007f79 (most recent call first):
  File "/lib/python3.11/threading.py", line 2 in wait

Current thread 0x00007f7a (most recent call first):
  File "/lib/python3.11/ctypes/__init__.py", line 519 in string_at
  File "/site/fog.py", line 12 in video
  File "{OWN}", line 150 in apply
  File "/site/other.py", line 3 in run

Thread 0x00007f7b (most recent call first):
  File "/lib/python3.11/threading.py", line 1 in wait

Extension modules: numpy (total: 1)
"""
SOURCE = """
    import ctypes
    from avplug import CorruptionSpec, hookimpl

    @hookimpl
    def avplug_corruptions():
        return [CorruptionSpec("fog", f"{__name__}:Fog", "Fog")]

    def die():
        ctypes.string_at(0)
"""


def test_the_stack_of_the_thread_that_crashed():
    assert [str(frame) for frame in frames(DUMP)] == [
        "string_at of __init__.py, line 519",
        "video of fog.py, line 12",
        "apply of corruption.py, line 150",
        "run of other.py, line 3",
    ]


def test_text_without_a_stack():
    assert frames("") == []
    assert frames("Fatal Python error: Aborted\n\n<no Python frame>\n") == []
    assert frames("(most recent call first):\n" + DUMP.rpartition("first):\n")[2]) == []
    assert place([]) == ""


def test_the_place_is_outside_of_avplug_where_it_can_be():
    assert place(frames(DUMP)) == (
        "in string_at of __init__.py, line 519, called by video of fog.py, line 12"
    )
    assert place([Frame(OWN, 7, "apply")]) == "in apply of corruption.py, line 7"
    loading = [
        Frame("/site/fog.py", 2, "<module>"),
        Frame("<frozen importlib._bootstrap>", 241, "_call_with_frames_removed"),
        Frame("/lib/python3.11/importlib/__init__.py", 126, "import_module"),
        Frame(OWN, 9, "load"),
    ]
    assert place(loading) == "in <module> of fog.py, line 2"


def test_a_crash_is_that_of_the_plugin_at_work(dists):
    module = dists.add("avplug-fog", SOURCE)
    manager = dists.manager()
    done = subprocess.run(
        [
            *(sys.executable, "-X", "faulthandler"),
            *("-c", f"import {module}; {module}.die()"),
        ],
        env={"PYTHONPATH": f"{dists.folder}:{Path(avplug.__file__).parents[1]}"},
        capture_output=True,
        text=True,
        check=False,
    )
    stack = frames(done.stderr)
    record, frame = crashed(stack, manager.records)
    assert record.name == "plugin avplug-fog 1.0 (fog)"
    assert (Path(frame.file).name, frame.function) == ("avplug_fog.py", "die")
    assert crashed(stack[-1:], manager.records) is None
