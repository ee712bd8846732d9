"""The contract of a corruption, and its application to a clip."""

from __future__ import annotations

import os
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, TypeGuard

import numpy as np
from numpy.typing import NDArray

from avplug.core.clip import Clip, ClipInfo
from avplug.core.containment import described
from avplug.core.errors import PluginError, UsageError
from avplug.core.randomness import KeyedRandom
from avplug.signal.noise_level import NoiseLevel, noise_level

SEVERITIES = (1, 2, 3, 4, 5)
PROFILES = ("paper", "released")
RECORDINGS = "AVPLUG_RECORDINGS"

#: What NumPy and OpenCV say of an array that may only be read.
_READ_ONLY = re.compile(r"read-?only")


@contextmanager
def recordings_from(folder: str | None) -> Iterator[None]:
    """Let corruptions mix in recordings of this folder inside the block.

    ``AVPLUG_RECORDINGS`` is the convention that plugins share; None leaves it alone.
    """
    if folder is None:
        yield
        return
    before = os.environ.get(RECORDINGS)
    os.environ[RECORDINGS] = str(Path(folder).resolve())
    try:
        yield
    finally:
        if before is None:
            del os.environ[RECORDINGS]
        else:
            os.environ[RECORDINGS] = before


class Corruption(ABC):
    """One cause that spoils picture and sound together.

    It is a function of time, not of frame index: first a scene is drawn for the clip,
    which picture and sound share; then each modality is corrupted as that scene says.
    Corrupting ten sampled frames must give what corrupting all and then sampling would.
    Where a frame depends on those before it, as a codec's does, that needs all of them:
    such a corruption says so by ``whole_clip``.

    Example::

        class Fog(Corruption):
            def scene(self, info, severity, rng):
                return 0.15 * severity                      # density

            def video(self, frames, times, scene, rng):
                grey = np.full_like(frames, 200)
                return cv2.addWeighted(frames, 1 - scene, grey, scene, 0)

            def audio(self, samples, sample_rate, scene, rng):
                return samples * np.float32(1 - scene / 2)

    Args:
        profile: Which parameters to use: ``"paper"`` or ``"released"``.

    Raises:
        UsageError: The corruption has no such profile.
    """

    profiles: ClassVar[tuple[str, ...]] = PROFILES
    #: Whether a frame depends on others. A run then reads every frame of a clip, and
    #: takes those that the model wants out of what ``video`` returns.
    whole_clip: ClassVar[bool] = False

    def __init__(self, profile: str = "paper") -> None:
        if profile not in self.profiles:
            raise UsageError(
                f"{type(self).__name__} has no profile {profile!r}.",
                f"Profiles: {', '.join(self.profiles)}.",
            )
        self.profile = profile

    def facts(self) -> dict[str, Any]:
        """Return what else changes its numbers, as plain data: recordings it mixes in.

        It becomes part of the identity of every result.
        """
        return {}

    @abstractmethod
    def scene(self, info: ClipInfo, severity: int, rng: KeyedRandom) -> Any:
        """Draw what picture and sound share, for a severity from 1 to 5.

        A scene that adds noise to the sound says at which SNR by a number ``snr_db``:
        written sets then tell how much of it clipping took away.
        """

    @abstractmethod
    def video(
        self,
        frames: NDArray[np.uint8],
        times: NDArray[np.float64],
        scene: Any,
        rng: KeyedRandom,
    ) -> NDArray[np.uint8]:
        """Return corrupted frames, uint8 [T, H, W, 3]; ``times`` [T] in seconds.

        Draw what belongs to one moment from ``rng.at(time)``.
        """

    @abstractmethod
    def audio(
        self,
        samples: NDArray[np.float32],
        sample_rate: int,
        scene: Any,
        rng: KeyedRandom,
    ) -> NDArray[np.float32]:
        """Return corrupted sound, float32 [C, N]; it may leave -1..1."""


def corrupt(
    clip: Clip,
    corruption: Corruption,
    name: str,
    severity: int,
    seed: int = 0,
    modalities: str = "av",
) -> Clip:
    """Return ``clip`` corrupted; the clip itself stays as it is.

    The random numbers depend on (seed, name, clip id, time) alone. Severity and
    profile scale what was drawn, so severities of one clip are paired.

    Args:
        clip: What to corrupt. A missing track stays missing, an empty one empty.
        corruption: The component.
        name: Its registered name; part of the random key.
        severity: 1 (mild) to 5 (strong).
        seed: Seed of the run.
        modalities: ``"av"``, ``"a"`` or ``"v"``.

    Raises:
        UsageError: The severity is not one of 1 to 5.
        PluginError: The corruption changed shape, dtype or its input, made sound that
            is not finite, or tried to end the program.
    """
    rng = KeyedRandom((seed, "corruption", name, clip.id))
    with _contained(corruption, name):
        scene = _scene(clip, corruption, severity, rng)
    frames = audio = None
    # A track of nothing stays as it is: no corruption need be written for it.
    if _holds(clip.frames) and clip.times is not None and "v" in modalities:
        source = _read_only(clip.frames)
        times = _read_only(clip.times)
        with _contained(corruption, name, "frames"):
            frames = corruption.video(source, times, scene, rng.stream("video"))
        _check(name, "video", source, frames)
    if _holds(clip.audio) and "a" in modalities:
        samples = _read_only(clip.audio)
        rate = clip.sample_rate
        with _contained(corruption, name, "samples"):
            audio = corruption.audio(samples, rate, scene, rng.stream("audio"))
        _check(name, "audio", samples, audio)
    return clip.with_media(frames=frames, audio=audio)


def nominal_snr_db(
    clip: Clip, corruption: Corruption, name: str, severity: int, seed: int = 0
) -> float | None:
    """Return the SNR at which :func:`corrupt` adds noise to the clip's sound, in dB.

    None if the corruption adds none, or does not say.

    Raises:
        UsageError: The severity is not one of 1 to 5.
    """
    rng = KeyedRandom((seed, "corruption", name, clip.id))
    level = getattr(_scene(clip, corruption, severity, rng), "snr_db", None)
    return float(level) if isinstance(level, int | float) else None


def added_noise(
    clip: Clip,
    spoilt: Clip,
    corruption: Corruption,
    name: str,
    severity: int,
    seed: int = 0,
) -> NoiseLevel | None:
    """Measure the noise that :func:`corrupt` added to the sound, and its clipping.

    None where there is no sound, it is silent, or the corruption adds no noise.
    """
    if clip.audio is None or spoilt.audio is None:
        return None
    nominal = nominal_snr_db(clip, corruption, name, severity, seed)
    return None if nominal is None else noise_level(clip.audio, spoilt.audio, nominal)


def _scene(clip: Clip, corruption: Corruption, severity: int, rng: KeyedRandom) -> Any:
    if severity not in SEVERITIES:
        raise UsageError(f"Severity {severity} is not one of 1, 2, 3, 4, 5.")
    return corruption.scene(clip.info, severity, rng.stream("scene"))


def _holds(track: NDArray[Any] | None) -> TypeGuard[NDArray[Any]]:
    return track is not None and track.size > 0


def _read_only(array: NDArray[Any]) -> NDArray[Any]:
    view = array.view()
    view.flags.writeable = False
    return view


@contextmanager
def _contained(corruption: Corruption, name: str, given: str = "") -> Iterator[None]:
    """Say whose fault it is when a corruption writes to what it was given, or exits."""
    owner = f"{type(corruption).__module__}.{type(corruption).__qualname__}"
    try:
        yield
    except (OSError, KeyboardInterrupt):
        # A file system can be read-only as well.
        raise
    except Exception as error:
        if not given or not _READ_ONLY.search(described(error)):
            raise
        raise PluginError(
            f"Corruption '{name}' ({owner}) writes to the {given} that it is given: "
            "inputs must not be changed in place.",
            f"In the plugin, work on a copy: {given} = {given}.copy()",
        ) from error
    except BaseException as error:
        raise PluginError(
            f"Corruption '{name}' ({owner}) tried to end the program: "
            f"{described(error)}.",
            "In the plugin, raise an Exception: it then costs this clip alone.",
        ) from error


def _check(name: str, part: str, before: NDArray[Any], after: object) -> None:
    if not isinstance(after, np.ndarray):
        raise PluginError(
            f"Corruption '{name}' returned {type(after).__name__} as {part}, no array."
        )
    if after.shape != before.shape or after.dtype != before.dtype:
        raise PluginError(
            f"Corruption '{name}' turned {part} {before.dtype} {list(before.shape)} "
            f"into {after.dtype} {list(after.shape)}; both must stay the same."
        )
    # Pictures are whole numbers: looking at each would cost what a corruption does.
    if part == "audio" and not np.isfinite(after).all() and np.isfinite(before).all():
        raise PluginError(f"Corruption '{name}' made {part} that is not finite.")
