"""``avplug build``: write a corrupted data set; the same command again goes on."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from avplug.cli import console
from avplug.cli.run_options import RECORDINGS_HELP

if TYPE_CHECKING:
    from avplug.bench.build_config import BuildConfig
    from avplug.bench.building import BuildSummary

_Many = list[str] | None
#: Failed clips that are shown; the manifest names all.
SHOWN = 20


def register(app: typer.Typer) -> None:
    """Add the verb to the application."""
    app.command(name="build")(_build)


def _build(
    out: Annotated[Path, typer.Option(help="Folder to write, or to verify.")],
    config: Annotated[
        Path | None,
        typer.Option(
            "--config",
            "-C",
            help="TOML, YAML or JSON file of a run; flags win over it.",
        ),
    ] = None,
    dataset: Annotated[
        str | None,
        typer.Option(help="Data set: avplug list datasets. Default: events."),
    ] = None,
    split: Annotated[
        str | None, typer.Option(help="Part of the data set. Default: test.")
    ] = None,
    data_root: Annotated[
        str | None, typer.Option(help="Folder or list file of the data set.")
    ] = None,
    corruptions: Annotated[
        _Many,
        typer.Option(
            "--corruption",
            "-c",
            help="Names, category/* or globs. Default: avplug/*, all built in.",
        ),
    ] = None,
    severities: Annotated[
        _Many,
        typer.Option(
            "--severity", "-s", help="1 (mild) to 5 (strong). Default: 1,2,3,4,5."
        ),
    ] = None,
    sound_severities: Annotated[
        _Many,
        typer.Option(
            "--sound-severity",
            help="Of the sound, crossed with the picture's. Default: the same.",
        ),
    ] = None,
    modalities: Annotated[
        Literal["av", "a", "v"] | None,
        typer.Option(help="Senses that are corrupted. Default: av."),
    ] = None,
    profile: Annotated[
        str | None,
        typer.Option(help="Corruption parameters: paper or released. Default: paper."),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="Of everything random. Default: 0.")
    ] = None,
    recordings: Annotated[str | None, typer.Option(help=RECORDINGS_HELP)] = None,
    limit: Annotated[
        int | None, typer.Option(help="Only so many clips, drawn evenly.")
    ] = None,
    layout: Annotated[
        Literal["frames", "mp4"],
        typer.Option(
            "--format", help="Ten frames and a wav for each clip, or one mp4."
        ),
    ] = "frames",
    frame_format: Annotated[
        Literal["jpg", "png"],
        typer.Option(help="jpg of quality 85 as published, or png without loss."),
    ] = "jpg",
    lossless: Annotated[
        bool,
        typer.Option("--lossless", help="Of mp4: keep every value; large."),
    ] = False,
    size: Annotated[
        int | None,
        typer.Option(
            help="Side of a frame; 0 keeps the clip's. Default: 224, of mp4 0."
        ),
    ] = None,
    sample_rate: Annotated[
        int | None,
        typer.Option(help="Hz; 0 keeps the clip's. Default: 16000, of mp4 0."),
    ] = None,
    at: Annotated[
        Literal["model-input", "source"] | None,
        typer.Option(
            help="Corrupt at the written size (model-input, default), or at source."
        ),
    ] = None,
    clean: Annotated[
        bool, typer.Option(help="Write the clean clips, too, stored the same way.")
    ] = True,
    workers: Annotated[
        int | None, typer.Option(help="Threads that read and write. Default: 0.")
    ] = None,
    verify: Annotated[
        bool,
        typer.Option("--verify", help="Write nothing: check --out by its manifest."),
    ] = False,
    option: Annotated[
        _Many,
        typer.Option("-o", help="A setting: -o dataset.classes=names.csv."),
    ] = None,
) -> None:
    """Write a corrupted data set; the same command again goes on."""
    if verify:
        _verify(out, workers or 0)
        return
    from avplug.bench.build_config import BuildConfig
    from avplug.cli.selectors import gather

    _refuse_idle(option)
    select = gather(
        config,
        option,
        dataset=dataset,
        split=split,
        data_root=data_root,
        corruptions=corruptions,
        severities=severities,
        sound_severities=sound_severities,
        modalities=[modalities] if modalities else None,
        profile=profile,
        recordings=recordings,
        seeds=None if seed is None else [str(seed)],
        limit=limit,
        at=at,
        workers=workers,
    )
    summary = _run(
        BuildConfig(
            out=str(out),
            select=select,
            format=layout,
            frame_format=frame_format,
            lossless=lossless,
            size=size,
            sample_rate=sample_rate,
            clean=clean,
        )
    )
    _tell(summary)
    if layout == "mp4" and not lossless:
        console.message(
            "Note: 4:2:0 video weakens pixel noise by a third. --lossless keeps it."
        )
    for path in summary.lists:
        console.print_line(str(path))
    if summary.empty:
        raise typer.Exit(1)


def _refuse_idle(option: list[str] | None) -> None:
    """Refuse settings of what is no data set; a run's file may hold others."""
    from avplug.bench.config_files import parse_options
    from avplug.bench.idle_options import refuse_idle
    from avplug.core.registry import get_registry

    if option:
        names = parse_options(tuple(option))
        refuse_idle(names, ("dataset",), "build", get_registry())


def _run(config: BuildConfig) -> BuildSummary:
    from avplug.bench.building import build
    from avplug.cli.progress import CountProgress
    from avplug.core.errors import InterruptedWorkError
    from avplug.core.registry import get_registry

    try:
        with CountProgress("clips") as bar:
            return build(config, get_registry(), bar.show)
    except KeyboardInterrupt:
        raise InterruptedWorkError(
            "Interrupted; what is written is kept.", "The same command again goes on."
        ) from None


def _tell(summary: BuildSummary) -> None:
    causes = Counter((failure.clip, failure.reason) for failure in summary.failures)
    for (clip, reason), count in list(causes.items())[:SHOWN]:
        console.message(f"Left out of {count} lists: clip '{clip}': {reason}")
    if len(causes) > SHOWN:
        console.message(f"... and {len(causes) - SHOWN} more: see the manifest.")
    for cell in summary.empty:
        console.message(f"Not one clip of {cell} could be written.")
    console.message(
        f"{summary.written} clips written, {summary.reused} found written before, "
        f"{len(summary.failures)} failed: {summary.folder}"
    )


def _verify(out: Path, workers: int) -> None:
    from avplug.bench.verifying import verify
    from avplug.cli.progress import CountProgress

    with CountProgress("files") as bar:
        found = verify(out, workers, bar.show)
    if found.problems:
        rows = [(problem.path, problem.what) for problem in found.problems]
        console.print_table(("Path", "Problem"), rows)
    console.message(
        f"{found.files} files listed, {len(found.problems)} problems: {out}"
    )
    if found.problems:
        raise typer.Exit(1)
