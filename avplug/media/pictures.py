"""Pictures as arrays: opening, resizing and cropping, with Pillow as references do."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from avplug.core.errors import MediaError


def open_rgb(path: str | Path) -> NDArray[np.uint8]:
    """Return a picture file, uint8 [H, W, 3], upright and in RGB whatever its mode.

    Raises:
        MediaError: There is no such file, or it is no whole picture.
    """
    path = Path(path)
    try:
        with Image.open(path) as image:
            upright = ImageOps.exif_transpose(image)
            return np.asarray(upright.convert("RGB"))
    except FileNotFoundError as error:
        raise MediaError(f"There is no picture '{path}'.") from error
    except UnidentifiedImageError as error:
        raise MediaError(f"'{path}' is not a picture that Pillow can open.") from error
    except (OSError, SyntaxError, ValueError) as error:
        raise MediaError(
            f"The picture '{path}' is truncated or damaged: {error}"
        ) from error


def fit(frame: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """Return a frame [H, W, 3] resized and cropped to [size, size, 3]; 0 keeps it.

    The shorter side becomes ``size`` by Pillow's antialiased bicubic filter on 8-bit
    values, then the centre is cut out: bit for bit what the published models were
    evaluated with.
    """
    height, width = frame.shape[:2]
    if size == 0 or (height, width) == (size, size):
        return frame
    if width <= height:
        new_width, new_height = size, int(size * height / width)
    else:
        new_width, new_height = int(size * width / height), size
    image = Image.fromarray(frame)
    if (new_width, new_height) != (width, height):
        image = image.resize((new_width, new_height), Image.Resampling.BICUBIC)
    left = round((new_width - size) / 2)
    top = round((new_height - size) / 2)
    return np.asarray(image.crop((left, top, left + size, top + size)))


def save_rgb(path: str | Path, frame: NDArray[np.uint8], **settings: int) -> None:
    """Write a frame, uint8 [H, W, 3], in the format that the suffix names.

    Args:
        path: Parent folders are made.
        frame: The picture.
        settings: Pillow's for the format, such as ``quality=85``.

    Raises:
        MediaError: The suffix is no picture's, or the file cannot be written.
    """
    path = Path(path)
    part = path.with_name(f".{path.stem}.{os.getpid()}.part{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(frame).save(part, None, **settings)
        part.replace(path)
    except (OSError, ValueError) as error:
        raise MediaError(f"Cannot write the picture '{path}': {error}") from error
    finally:
        part.unlink(missing_ok=True)
