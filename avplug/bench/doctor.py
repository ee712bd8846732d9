"""What this machine has for avplug, what is wrong with it, and how to mend it."""

from __future__ import annotations

import importlib
import os
import platform
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from avplug._version import __version__
from avplug.core.cache import cache_folder
from avplug.core.manager import PluginManager

State = Literal["ok", "note", "wrong"]

#: Modules of the extras, and what each is for.
EXTRAS = (
    ("av", "video", "video files"),
    ("yaml", "yaml", "YAML configurations"),
    ("tokenizers", "zero-shot", "CLIP, AudioCLIP, ImageBind, Wav2CLIP"),
    ("matplotlib", "figures", "figures as PDF and PNG"),
    ("ray", "ray", "--executor ray"),
    ("submitit", "slurm", "--executor slurm"),
)
#: What files hold that people have, and what corruptions and previews write.
_DECODED = ("h264", "hevc", "vp9", "av1", "mpeg4", "aac", "mp3", "opus", "vorbis")
_ENCODED = ("libx264", "aac")
_LOW_SPACE = 5e9


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Args:
        area: Such as ``"torch"``.
        state: ``"note"``: works, but somebody may miss something; ``"wrong"``: does
            not work.
        what: What was found.
        remedy: How to mend it, "" where nothing is to be done.
    """

    area: str
    state: State
    what: str
    remedy: str = ""


def examine(manager: PluginManager) -> list[Finding]:
    """Look at everything; what cannot be looked at is a finding, too."""
    looks: tuple[tuple[str, Callable[[], Iterator[Finding]]], ...] = (
        ("avplug", _avplug),
        ("torch", _torch),
        ("extras", _extras),
        ("video", _video),
        ("sound", _sound),
        ("folders", _folders),
        ("settings", _settings),
        ("plugins", lambda: _plugins(manager)),
    )
    found: list[Finding] = []
    for area, look in looks:
        try:
            found += look()
        except Exception as error:
            # A broken library is just what is looked for.
            what = f"Looking at it failed: {type(error).__name__}: {error}"
            found.append(Finding(area, "wrong", what, "Install it again."))
    return found


def _avplug() -> Iterator[Finding]:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 0
    yield Finding(
        "avplug",
        "ok",
        f"avplug {__version__} on Python {platform.python_version()}, "
        f"{platform.system()} {platform.machine()}, {cores or os.cpu_count()} cores",
    )


def _torch() -> Iterator[Finding]:
    import torch

    threads = torch.get_num_threads()
    yield Finding("torch", "ok", f"torch {torch.__version__}, {threads} threads")
    if not torch.cuda.is_available():
        built = torch.version.cuda or getattr(torch.version, "hip", None)
        yield Finding(
            "torch",
            "note",
            "No GPU can be used: this torch is built for the CPU"
            if not built
            else f"No GPU can be used, though this torch is built for CUDA {built}",
            ""
            if not built
            else "Look at nvidia-smi; CUDA_VISIBLE_DEVICES is "
            f"{os.environ.get('CUDA_VISIBLE_DEVICES', 'not set')!r}.",
        )
        return
    for index in range(torch.cuda.device_count()):
        free, total = torch.cuda.mem_get_info(index)
        name = torch.cuda.get_device_name(index)
        text = (
            f"cuda:{index} {name}, {free / 2**30:.1f} of {total / 2**30:.1f} GiB free"
        )
        # A device can be listed and yet refuse work.
        answer = float((torch.ones(8, device=f"cuda:{index}") * 2).sum())
        state: State = "ok" if answer == 16 else "wrong"
        yield Finding(
            "torch", state, text, "" if answer == 16 else "It computes wrong."
        )


def _extras() -> Iterator[Finding]:
    for module, extra, purpose in EXTRAS:
        try:
            found = importlib.import_module(module)
        except ModuleNotFoundError as error:
            missing = error.name == module
            yield Finding(
                "extras",
                "note" if missing else "wrong",
                f"{module} is not there: no {purpose}"
                if missing
                else f"{module} cannot be imported: {error}",
                f"pip install 'avplug[{extra}]'",
            )
        except Exception as error:
            # An extension built for other libraries raises whatever it likes.
            what = f"{module} cannot be imported: {type(error).__name__}: {error}"
            yield Finding("extras", "wrong", what, f"pip install -U 'avplug[{extra}]'")
        else:
            version = getattr(found, "__version__", "")
            yield Finding("extras", "ok", f"{module} {version}: {purpose}")


def _video() -> Iterator[Finding]:
    try:
        importlib.import_module("av")
    except ImportError:
        return  # Among the extras already.
    modes: tuple[tuple[Literal["r", "w"], tuple[str, ...]], ...]
    modes = ("r", _DECODED), ("w", _ENCODED)
    for mode, names in modes:
        lacking = [name for name in names if not _has_codec(name, mode)]
        verb = "decodes" if mode == "r" else "encodes"
        there = ", ".join(name for name in names if name not in lacking)
        yield Finding("video", "ok", f"FFmpeg {verb} {there}")
        if lacking:
            yield Finding(
                "video",
                "note" if mode == "r" else "wrong",
                f"FFmpeg {verb} no {', '.join(lacking)}",
                "pip install -U av",
            )
    yield _round_trip()


def _has_codec(name: str, mode: Literal["r", "w"]) -> bool:
    import av

    try:
        av.Codec(name, mode)
    except av.codec.codec.UnknownCodecError:
        return False
    return True


def _round_trip() -> Finding:
    """Write a clip and read it again: codecs that are listed do not always work."""
    import numpy as np

    from avplug.core.clip import AS_IS, Clip
    from avplug.media.read import read_clip
    from avplug.media.write import write_clip

    frames = np.zeros((5, 64, 64, 3), np.uint8)
    frames[:, 16:48, 16:48] = (200, 60, 30)
    sound = np.float32(0.5) * np.sin(np.arange(8000, dtype=np.float32) / 9)[None]
    clip = Clip("doctor", frames, np.arange(5) / 10, sound, 16_000, 0.5)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clip.mp4"
        write_clip(clip, path)
        back = read_clip(path, AS_IS, "doctor")
    good = (
        back.frames is not None
        and back.frames.shape == frames.shape
        and np.abs(back.frames[2, 32, 32].astype(int) - (200, 60, 30)).max() < 12
        and back.audio is not None
    )
    return Finding(
        "video",
        "ok" if good else "wrong",
        "An mp4 was written and read back"
        if good
        else "An mp4 that was written reads as something else",
        "" if good else "pip install -U --force-reinstall av",
    )


def _sound() -> Iterator[Finding]:
    import soundfile

    formats = soundfile.available_formats()
    wanted = ("WAV", "FLAC", "OGG", "MP3")
    there = [name for name in wanted if name in formats]
    version = soundfile.__libsndfile_version__
    yield Finding("sound", "ok", f"libsndfile {version} reads {', '.join(there)}")


def _folders() -> Iterator[Finding]:
    for what, folder in (
        ("cache of weights", cache_folder()),
        ("temporary files", Path(tempfile.gettempdir())),
        ("here", Path.cwd()),
    ):
        yield _folder(what, folder)


def _folder(what: str, folder: Path) -> Finding:
    there = next(path for path in (folder, *folder.parents) if path.exists())
    free = shutil.disk_usage(there).free
    used = (
        sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
        if what.startswith("cache")
        else 0
    )
    holds = f", holds {used / 1e9:.2f} GB" if used else ""
    text = f"{what}: {folder}{holds}, {free / 1e9:.1f} GB free"
    if not os.access(there, os.W_OK):
        remedy = "Set AVPLUG_CACHE to a folder that you may write to."
        remedy = remedy if what.startswith("cache") else "Choose another folder."
        return Finding("folders", "wrong", f"{text}, not writable", remedy)
    if free < _LOW_SPACE:
        return Finding("folders", "note", text, "Free some space: runs stop when full.")
    return Finding("folders", "ok", text)


def _settings() -> Iterator[Finding]:
    """Show what the environment says, and folders that it names in vain."""
    for name in sorted(os.environ):
        if not name.startswith("AVPLUG_"):
            continue
        value = os.environ[name]
        if name == "AVPLUG_RECORDINGS" and value and not Path(value).is_dir():
            yield Finding(
                "settings",
                "wrong",
                f"{name}={value}, which is no folder",
                "Name a folder of recordings, or unset it.",
            )
        else:
            yield Finding("settings", "ok", f"{name}={value}")


def _plugins(manager: PluginManager) -> Iterator[Finding]:
    broken = manager.broken()
    sound = [record for record in manager.records if record.state == "ok"]
    components = sum(len(record.components) for record in sound)
    yield Finding("plugins", "ok", f"{len(sound)} plugins with {components} components")
    for record in broken:
        yield Finding(
            "plugins",
            "wrong",
            f"{record.provider} ({record.entry_point}) {record.problem}",
            record.remedy or "avplug plugins shows all; --debug the traceback.",
        )
    for record in manager.records:
        if record.state == "disabled":
            yield Finding("plugins", "note", f"{record.provider} is disabled")
        for remark in record.remarks:
            what = f"{record.provider} ({record.entry_point}) {remark}"
            yield Finding("plugins", "note", what)
