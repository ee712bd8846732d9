"""``avplug data``: data sets: which there are, whether yours is whole, prepare it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from avplug.cli import console

if TYPE_CHECKING:
    from avplug.bench.config import RunConfig
    from avplug.bench.data_checks import DataCheck, Problem

#: Clips that are shown of each list; the file that --list writes has all.
_SHOWN = 10

_Dataset = Annotated[str, typer.Argument(help="As avplug data list names it.")]
_Root = Annotated[str | None, typer.Option(help="Folder or list file of the data set.")]
_Split = Annotated[str, typer.Option(help="Part of the data set.")]
_Limit = Annotated[int | None, typer.Option(help="Only so many clips, drawn evenly.")]
_Workers = Annotated[int, typer.Option(help="Processes that read; 0 for none.")]
_Option = Annotated[
    list[str] | None, typer.Option("-o", help="A setting: -o dataset.list=clips.json.")
]


def register(app: typer.Typer) -> None:
    """Add the group of verbs."""
    group = typer.Typer(help="List, check and prepare data sets.", no_args_is_help=True)
    group.command("list")(list_data)
    group.command("check")(check)
    group.command("prepare")(prepare)
    app.add_typer(group, name="data")


def list_data(
    json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """List data sets with their clips, licences, and where they are published."""
    from avplug.core.components import DatasetSpec
    from avplug.core.registry import get_registry

    rows: list[dict[str, Any]] = []
    for entry in get_registry().entries("dataset"):
        spec = entry.spec
        assert isinstance(spec, DatasetSpec)
        rows.append(
            {
                "name": entry.qualified if entry.conflict else entry.name,
                "classes": spec.classes,
                "clips": spec.size,
                "license": spec.license,
                "page": spec.page,
                "paper": spec.paper,
                "needs_root": spec.needs_root,
                "summary": spec.summary,
            }
        )
    if json:
        console.print_json(rows)
        return
    console.print_table(
        ("NAME", "CLASSES", "CLIPS", "LICENCE", "PUBLISHED AT"),
        [
            (
                row["name"],
                row["classes"] or "",
                row["clips"],
                row["license"] or "not stated",
                row["page"],
            )
            for row in rows
        ],
    )


def check(
    dataset: _Dataset,
    data_root: _Root = None,
    split: _Split = "test",
    limit: _Limit = None,
    workers: _Workers = 0,
    min_seconds: Annotated[
        float, typer.Option(help="A shorter clip is too short.")
    ] = 0.5,
    list_file: Annotated[
        Path | None,
        typer.Option("--list", help="Write every fault to this .json or .csv."),
    ] = None,
    option: _Option = None,
    json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Read every clip; name what is missing or faulty; exit code 1 if anything is."""
    from avplug.bench.data_checks import check_data
    from avplug.bench.prepare import open_dataset
    from avplug.cli.progress import CountProgress
    from avplug.core.errors import UsageError
    from avplug.core.registry import get_registry

    if list_file and list_file.suffix not in (".json", ".csv"):
        raise UsageError(f"--list {list_file} is no .json or .csv.")
    config = _config(dataset, data_root, split, limit, option)
    _, opened, clips = open_dataset(get_registry(), config)
    with CountProgress("clips") as bar:
        found = check_data(
            opened, clips, shortest=min_seconds, workers=workers, progress=bar.show
        )
    if list_file:
        _write_problems(list_file, found.problems)
    if json:
        console.print_json(_plain(found))
    else:
        _tell(found)
    if found.problems:
        raise typer.Exit(1)


def prepare(
    dataset: _Dataset,
    out: Annotated[Path, typer.Option(help="Folder to write.")],
    data_root: _Root = None,
    split: _Split = "test",
    limit: _Limit = None,
    workers: _Workers = 0,
    frames: Annotated[
        Literal["cav-mae", "uavm"],
        typer.Option(help="One of each tenth (cav-mae), or three a second (uavm)."),
    ] = "cav-mae",
    option: _Option = None,
) -> None:
    """Extract frames and sounds once; the same command again goes on."""
    from avplug.bench.data_prepare import prepare_data
    from avplug.bench.prepare import open_dataset
    from avplug.cli.progress import CountProgress
    from avplug.core.errors import InterruptedWorkError
    from avplug.core.registry import get_registry

    config = _config(dataset, data_root, split, limit, option)
    _, opened, clips = open_dataset(get_registry(), config)
    try:
        with CountProgress("clips") as bar:
            done = prepare_data(
                opened,
                clips,
                out,
                name=dataset,
                split=split,
                grid=frames,
                workers=workers,
                progress=bar.show,
            )
    except KeyboardInterrupt:
        raise InterruptedWorkError(
            "Interrupted; what is written is kept.", "The same command again goes on."
        ) from None
    _tell_reasons("Not prepared", done.failed)
    _tell_reasons("Missing", done.missing)
    console.message(
        f"{done.written} clips written, {done.reused} found written before, "
        f"{len(done.failed)} failed, {len(done.missing)} missing: {done.folder}"
    )
    console.print_line(str(done.folder))
    if not done.written + done.reused:
        raise typer.Exit(1)


def _config(
    dataset: str,
    data_root: str | None,
    split: str,
    limit: int | None,
    option: list[str] | None,
) -> RunConfig:
    from avplug.cli.selectors import gather

    return gather(
        None, option, dataset=dataset, data_root=data_root, split=split, limit=limit
    )


def _plain(found: DataCheck) -> dict[str, Any]:
    from dataclasses import asdict

    return {**asdict(found), "counts": found.counts}


def _tell(found: DataCheck) -> None:
    rows: list[tuple[str, object]] = [
        (f"clips of the list{_known(found)}", found.listed),
        ("on disk", found.present),
        ("read", found.checked),
        ("hours", f"{found.seconds / 3600:.2f}"),
        *found.counts.items(),
        ("fingerprint", found.fingerprint),
    ]
    console.print_table(("WHAT", "CLIPS"), rows)
    for fault in found.counts:
        named = [p for p in found.problems if p.fault == fault]
        _tell_reasons(fault.capitalize(), {p.clip: p.detail for p in named})


def _known(found: DataCheck) -> str:
    return f", that of {found.list_name}" if found.list_name else ""


def _tell_reasons(what: str, reasons: dict[str, str]) -> None:
    for clip, reason in list(reasons.items())[:_SHOWN]:
        console.message(f"{what}: clip '{clip}': {reason}")
    if len(reasons) > _SHOWN:
        console.message(f"... and {len(reasons) - _SHOWN} more.")


def _write_problems(path: Path, problems: tuple[Problem, ...]) -> None:
    import csv
    import io
    import json
    from dataclasses import asdict

    from avplug.core.files import write_atomic

    rows = [asdict(problem) for problem in problems]
    if path.suffix == ".json":
        write_atomic(path, json.dumps(rows, indent=1).encode() + b"\n")
        return
    text = io.StringIO()
    writer = csv.DictWriter(text, ("clip", "fault", "detail"), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_atomic(path, text.getvalue().encode())
