"""A tiny ``avdigits`` made by recipe: three digits, two speakers, twelve recordings."""

import gzip
import io
import struct
import zipfile

import numpy as np
import soundfile

DIGITS, SPEAKERS, RECORDINGS = (0, 1, 2), ("ann", "bob"), 12


def idx(values):
    head = struct.pack(f">BBBB{values.ndim}I", 0, 0, 8, values.ndim, *values.shape)
    return head + values.astype(np.uint8).tobytes()


def wave(digit, index, rate=8_000):
    times = np.arange(rate // 4 + 100 * index) / rate
    file = io.BytesIO()
    soundfile.write(file, 0.5 * np.sin(400 * (digit + 1) * times), rate, format="WAV")
    return file.getvalue()


def make(folder, images=120):
    """Write the three files; image i shows digit i mod 3 as a grey of its own."""
    digits = np.arange(images) % len(DIGITS)
    pictures = np.broadcast_to((np.arange(images) + 1)[:, None, None], (images, 28, 28))
    pack = folder / "t10k-images-idx3-ubyte.gz"
    pack.write_bytes(gzip.compress(idx(pictures)))
    (folder / "t10k-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx(digits)))
    with zipfile.ZipFile(folder / "fsdd_recordings.zip", "w") as archive:
        archive.writestr("recordings/README.txt", "not a recording")
        for digit in DIGITS:
            for speaker in SPEAKERS:
                for index in range(RECORDINGS):
                    name = f"recordings/{digit}_{speaker}_{index}.wav"
                    archive.writestr(name, wave(digit, index))
    return folder
