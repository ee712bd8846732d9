"""``avplug preview``: how corruptions look and sound, as a sheet or as a gallery."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from avplug.cli import console
from avplug.cli.run_options import RECORDINGS_HELP

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from avplug.core.clip import Clip
    from avplug.core.corruption import Corruption
    from avplug.core.registry import Entry
    from avplug.media.sheet import Row
    from avplug.report.gallery import Gallery

_NOTE = (
    "The clips are short, small and compressed for viewing: H.264 with 4:2:0 colour "
    "softens pixel noise. A run corrupts frames and samples as they are."
)


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("preview")(preview)


def preview(
    out: Annotated[
        Path,
        typer.Option("--out", "-o", help="A picture, or an .html page of clips."),
    ],
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
            help="Names, category/* or globs. Default: avplug/*, all built in.",
        ),
    ] = None,
    severities: Annotated[
        str, typer.Option("--severity", "-s", help="1 (mild) to 5 (strong).")
    ] = "1,3,5",
    profile: Annotated[
        str, typer.Option(help="Parameters: paper or released.")
    ] = "paper",
    seed: Annotated[int, typer.Option(help="Of everything random.")] = 0,
    recordings: Annotated[str | None, typer.Option(help=RECORDINGS_HELP)] = None,
    seconds: Annotated[
        float, typer.Option(min=0.1, max=60, help="Length of the clips of a page.")
    ] = 4.0,
) -> None:
    """Show a clip under corruptions: a sheet (.png, .jpg) or playable clips (.html)."""
    from avplug.core.corruption import recordings_from

    levels = _severities(severities)
    patterns = [p for text in corruptions or ["avplug/*"] for p in text.split(",")]
    if out.suffix.lower() in (".html", ".htm"):
        from avplug.report.gallery import write_gallery

        clip = _excerpt(source, seconds)
        with recordings_from(recordings):
            gallery = preview_gallery(
                clip, patterns, levels, profile=profile, seed=seed
            )
        write_gallery(out, gallery)
    else:
        from avplug.media.pictures import save_rgb
        from avplug.media.sheet import draw_sheet

        clip = _clip(source)
        with recordings_from(recordings):
            rows = preview_rows(clip, patterns, levels, profile=profile, seed=seed)
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
    from avplug.media.sheet import Row

    return [
        Row(entry.name, (clip, *(spoil(severity) for severity in severities)))
        for entry, spoil in _spoilers(clip, patterns, profile, seed)
    ]


def preview_gallery(
    clip: Clip,
    patterns: Sequence[str],
    severities: Sequence[int],
    *,
    profile: str = "paper",
    seed: int = 0,
) -> Gallery:
    """Return playable clips: the clean one, then a shelf for each corruption.

    Raises:
        UsageError: A pattern, severity or the profile is unknown.
        MissingExtraError: PyAV is not installed.
    """
    from avplug.bench.naming import safe_name
    from avplug.media.film import film
    from avplug.report.gallery import Gallery, Player, Shelf

    def player(shown: Clip, caption: str, name: str) -> Player:
        return Player(caption, name, *film(shown))

    clean = player(clip, "clean", "clean")
    shelves = [Shelf("clean", "The clip as it is.", (clean,))]
    for entry, spoil in _spoilers(clip, patterns, profile, seed):
        name = safe_name(entry.qualified if entry.conflict else entry.name)
        players = tuple(
            player(spoil(level), f"severity {level}", f"{name}-{level}")
            for level in severities
        )
        about = f"{entry.spec.category}: {entry.spec.summary}."  # type: ignore[attr-defined]
        shelves.append(Shelf(name, about, players))
    count = len(shelves) - 1
    return Gallery(
        f"{clip.id} under {count} corruption{'s' if count > 1 else ''}",
        "Sound and picture go bad together: play a clip with its sound on.",
        shelves,
        (f"Profile {profile}, seed {seed}. {_NOTE}",),
    )


def _spoilers(
    clip: Clip, patterns: Sequence[str], profile: str, seed: int
) -> Iterator[tuple[Entry, Callable[[int], Clip]]]:
    """Yield each corruption, and what gives the clip at a severity."""
    from avplug.core.registry import get_registry

    found = get_registry().select("corruption", patterns)
    made = [(entry, entry.load()(profile=profile)) for entry in found]
    for entry, component in made:
        yield entry, partial(_spoil, clip, component, entry.name, seed)


def _spoil(
    clip: Clip, component: Corruption, name: str, seed: int, severity: int
) -> Clip:
    from avplug.core.corruption import corrupt

    return corrupt(clip, component, name, severity, seed)


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
    dataset = get_registry().get("dataset", "avplug/events").load()(split="test")
    clip: Clip = dataset.load(dataset.clips[0], InputSpec(size=224))
    return clip


def _excerpt(source: Path | None, seconds: float) -> Clip:
    """Return the beginning of a file, or an embedded clip, small."""
    from avplug.core.clip import InputSpec
    from avplug.core.registry import get_registry
    from avplug.media.excerpt import excerpt, excerpt_spec
    from avplug.media.read import read_clip, require_tracks

    if source is not None:
        tracks = require_tracks(source)
        spec = excerpt_spec(seconds)
        clip = read_clip(source, spec, source.stem, end=seconds, need=tracks)
        return excerpt(clip, seconds)
    dataset = get_registry().get("dataset", "avplug/events").load()(split="test")
    whole = InputSpec(192, 0, 0.0, 0, (), "all", "all")
    return excerpt(dataset.load(dataset.clips[0], whole), seconds)
