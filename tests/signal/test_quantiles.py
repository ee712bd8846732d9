"""The tables of normal numbers have the moments of a normal variable."""

import hashlib

import numpy as np
import pytest

from avplug.signal import quantiles
from avplug.signal.quantiles import looked_up, normal_levels, normal_table

TABLES = [normal_levels, normal_table]


@pytest.mark.parametrize("table", TABLES)
def test_ascending_antisymmetric_and_read_only(table):
    values = table()
    assert (np.diff(values) > 0).all()
    assert np.array_equal(values, -values[::-1])
    with pytest.raises(ValueError, match="read-only"):
        values[0] = 0


def test_256_levels_have_unit_variance_exactly():
    levels = normal_levels()
    assert levels.shape == (256,)
    assert np.mean(levels**2) == pytest.approx(1, abs=1e-12)
    assert np.mean(np.abs(levels)) == pytest.approx((2 / np.pi) ** 0.5, rel=1e-3)


def test_65536_quantiles_have_normal_moments():
    table = normal_table().astype(np.float64)
    assert table.shape == (65_536,)
    assert normal_table().dtype == np.float32
    assert np.mean(table**2) == pytest.approx(1, abs=1e-4)
    assert np.mean(table**4) == pytest.approx(3, abs=0.01)
    assert table[65_536 * 3 // 4] == pytest.approx(0.67449, abs=1e-4)
    assert table.all()


def test_the_table_is_equal_on_every_machine():
    digest = hashlib.sha256(normal_table().astype("<f4").tobytes()).hexdigest()
    assert digest[:16] == "1cfbba1e07e34386"


@pytest.mark.parametrize("wide", [True, False])
@pytest.mark.parametrize("shape", [(2, 300), (7,), (1, 0)])
def test_looking_up_is_indexing_whether_opencv_can_or_not(monkeypatch, wide, shape):
    if not wide:
        monkeypatch.setattr(quantiles, "_has_wide_tables", lambda: False)
    bits = np.random.default_rng(0).integers(0, 65_536, shape, np.uint16)
    count = np.arange(65_536)
    for table in (normal_table(), count.astype(np.uint8), count.astype(float)):
        found = looked_up(table, bits)
        assert found.dtype == table.dtype
        assert np.array_equal(found, table[bits])
        assert found.flags.writeable
        out = np.empty(shape, table.dtype)
        assert looked_up(table, bits, out) is out
        assert np.array_equal(out, found)
