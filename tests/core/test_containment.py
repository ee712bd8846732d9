"""A plugin that hangs is interrupted; a library that it imports comes to its end."""

import sys
import time

import pytest

from avplug.core import containment
from avplug.core.containment import TookTooLong, at_most

LIBRARY = "import time\ntime.sleep({})\nDONE = True\n"


@pytest.fixture
def modules(tmp_path, monkeypatch):
    """Return a function that writes a module which can be imported."""
    monkeypatch.syspath_prepend(tmp_path)

    def write(name, text):
        (tmp_path / f"{name}.py").write_text(text)

    yield write
    for path in tmp_path.glob("*.py"):
        sys.modules.pop(path.stem, None)


def test_a_module_that_hangs_is_given_up(modules):
    modules("own_hangs", "import time\ntime.sleep(60)\n")
    begin = time.monotonic()
    with pytest.raises(TookTooLong, match=r"^0\.1$"), at_most(0.1):
        import own_hangs  # noqa: F401
    assert time.monotonic() - begin < 10
    assert "own_hangs" not in sys.modules


def test_a_library_is_not_left_half_imported(modules):
    modules("slow_library", LIBRARY.format(0.5))
    modules("own_heavy", "import slow_library\nimport time\ntime.sleep(60)\n")
    with pytest.raises(TookTooLong), at_most(0.1):
        import own_heavy  # noqa: F401
    assert sys.modules["slow_library"].DONE
    assert "own_heavy" not in sys.modules


def test_a_library_that_hangs_is_given_up_in_the_end(modules, monkeypatch):
    monkeypatch.setattr(containment, "PATIENCE", 3)
    modules("hanging_library", LIBRARY.format(60))
    modules("own_victim", "import hanging_library\n")
    with pytest.raises(TookTooLong), at_most(0.2):
        import own_victim  # noqa: F401


def test_what_is_done_in_time_is_left_alone(modules):
    modules("own_quick", "DONE = True\n")
    with at_most(30):
        import own_quick
    assert own_quick.DONE
