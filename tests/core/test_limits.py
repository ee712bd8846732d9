"""Limits that a pause of the machine does not use up."""

import pytest
from hypothesis import given, strategies as st

from avplug.core.limits import in_parts


@given(st.floats(1e-3, 1e6))
def test_the_parts_are_small_and_make_up_the_limit(seconds):
    parts = list(in_parts(seconds))
    assert sum(parts) == pytest.approx(seconds)
    assert max(parts) <= seconds / 5
