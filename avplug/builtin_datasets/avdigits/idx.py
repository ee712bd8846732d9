"""Arrays in the IDX format of the MNIST files."""

from __future__ import annotations

import gzip
import struct
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from avplug.core.errors import DatasetError

_BYTES = 0x08


def read_idx(path: Path, axes: int) -> NDArray[np.uint8]:
    """Return a gzipped IDX file of bytes, uint8 with the number of axes asked for.

    Raises:
        DatasetError: The file is missing, damaged, or of another type or shape.
    """
    try:
        data = gzip.decompress(path.read_bytes())
    except FileNotFoundError as error:
        raise DatasetError(f"There is no file '{path}'.") from error
    except (OSError, EOFError, zlib.error) as error:
        raise DatasetError(f"'{path}' is no whole gzip file: {error}") from error
    start = 4 + 4 * axes
    if len(data) < start or data[:4] != bytes((0, 0, _BYTES, axes)):
        raise DatasetError(f"'{path}' is no IDX file of bytes with {axes} axes.")
    shape = struct.unpack(f">{axes}I", data[4:start])
    values = np.frombuffer(data, np.uint8, offset=start)
    if values.size != np.prod(shape, dtype=np.int64):
        raise DatasetError(
            f"'{path}' promises {list(shape)} values and holds {values.size}."
        )
    return values.reshape(shape)
