"""``avplug preview``: a contact sheet of how corruptions look and sound."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from avplug.cli import console

if TYPE_CHECKING:
    from collections.abc import Sequence

    from avplug.core.clip import Clip
    from avplug.media.sheet import Row


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("preview")(preview)


def preview(
    out: Annotated[Path, typer.Option("--out", "-o", help="A picture to write.")],
    source: Annotated[
        Path | None,
        typer.Argument(
            metavar="[IN]",
            help="A media file; else a clip of the data set events.",
            show_default=False,
        ),
    ] = None,
    corruptions: Annotated[
        list[str] | None,
        typer.Option(
            "--corruption",
            "-c",
            help="Names, category/* or globs. Default: digital/*.",
        ),
    ] = None,
    severities: Annotated[
        str, typer.Option("--severity", "-s", help="1 (mild) to 5 (strong).")
    ] = "1,3,5",
    profile: Annotated[
        str, typer.Option(help="Parameters: paper or released.")
    ] = "paper",
    seed: Annotated[int, typer.Option(help="Of everything random.")] = 0,
) -> None:
    """Draw a clip under corruptions: rows corruptions, columns severities."""
    from avplug.media.pictures import save_rgb
    from avplug.media.sheet import draw_sheet

    levels = _severities(severities)
    patterns = [p for text in corruptions or ["digital/*"] for p in text.split(",")]
    rows = preview_rows(_clip(source), patterns, levels, profile=profile, seed=seed)
    save_rgb(out, draw_sheet(rows, ["clean", *(f"severity {s}" for s in levels)]))
    console.print_line(str(out))


def preview_rows(
    clip: Clip,
    patterns: Sequence[str],
    severities: Sequence[int],
    *,
    profile: str = "paper",
    seed: int = 0,
) -> list[Row]:
    """Return the clip, then corrupted at each severity, for each corruption.

    Raises:
        UsageError: A pattern, severity or the profile is unknown.
    """
    from avplug.core.corruption import corrupt
    from avplug.core.registry import get_registry
    from avplug.media.sheet import Row

    rows = []
    for entry in get_registry().select("corruption", patterns):
        component = entry.load()(profile=profile)
        spoiled = [
            corrupt(clip, component, entry.name, severity, seed)
            for severity in severities
        ]
        rows.append(Row(entry.name, (clip, *spoiled)))
    return rows


def _severities(text: str) -> list[int]:
    from avplug.core.errors import UsageError

    words = [word.strip() for word in text.split(",") if word.strip()]
    unfit = [word for word in words if word not in ("1", "2", "3", "4", "5")]
    if unfit or not words:
        wrong = unfit[0] if unfit else repr(text)
        raise UsageError(f"Severity {wrong} is not one of 1, 2, 3, 4, 5.")
    return [int(word) for word in words]


def _clip(source: Path | None) -> Clip:
    """Return one middle frame, and all sound, of a file or of an embedded clip."""
    from avplug.core.clip import InputSpec
    from avplug.core.registry import get_registry
    from avplug.media.read import read_clip, require_tracks

    spec = InputSpec(0, 0, 0.0, 1, (0,), "centre", "all")
    if source is not None:
        tracks = require_tracks(source)
        return read_clip(source, spec, source.stem, need=tracks)
    dataset = get_registry().get("dataset", "events").load()(split="test")
    clip: Clip = dataset.load(dataset.clips[0], InputSpec(size=224))
    return clip
