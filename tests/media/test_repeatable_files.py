"""The same clip gives the same bytes, whatever lies in the memory of a process."""

import os
import subprocess
import sys

import pytest

#: Writes a drifting ramp over grey, on which encoders differ first, and its hash.
PROGRAM = """
import hashlib, sys
from pathlib import Path
import numpy as np
from avplug import Clip
from avplug.media.write import write_clip
y, x, t = 120, 160, np.arange(24)[:, None, None, None]
ramp = 2 * np.arange(y)[:, None, None] + 3 * np.arange(x)[:, None] + 7 * t
frames = np.repeat(ramp % 256, 3, 3).astype(np.uint8)
frames[:, y // 4 :] = 30
sound = np.sin(np.arange(16_000) / 20)[None].astype(np.float32)
clip = Clip("ramp", frames, np.arange(24) / 25, sound, 16_000, 1.0)
path = Path(sys.argv[1])
write_clip(clip, path, lossless=len(sys.argv) > 2)
print(hashlib.sha256(path.read_bytes()).hexdigest())
"""


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
@pytest.mark.parametrize("quality", [(), ("lossless",)], ids=["viewing", "lossless"])
def test_a_file_is_the_same_in_every_process(tmp_path, suffix, quality):
    found = set()
    # The C library of Linux fills the memory that it hands out with this byte.
    for byte in ("37", "111", "222"):
        path = str(tmp_path / f"{byte}.{suffix}")
        written = subprocess.run(
            [sys.executable, "-c", PROGRAM, path, *quality],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "MALLOC_PERTURB_": byte},
        )
        found.add(written.stdout)
    assert len(found) == 1
