"""``avplug weights``: checkpoints, published or own: list, fetch, verify, convert."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from avplug.cli import console
from avplug.core.errors import WeightsError, closest

if TYPE_CHECKING:
    from avplug.bench.verify_weights import Fit
    from avplug.core.checkpoints import Checkpoint
    from avplug.core.registry import Entry
    from avplug.core.weight_specs import WeightSpec

#: Names of tensors that are shown of each complaint; JSON has all.
_SHOWN = 20


def register(app: typer.Typer) -> None:
    """Add the group of verbs."""
    group = typer.Typer(
        help="List, fetch and verify weights of models.", no_args_is_help=True
    )
    group.command("list")(list_weights)
    group.command("fetch")(fetch)
    group.command("verify")(verify)
    group.command("convert")(convert)
    app.add_typer(group, name="weights")


def list_weights(
    model: Annotated[
        str | None, typer.Argument(help="Only this model's; default: all.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """List the weights that are known: accuracies are their publishers' claims."""
    from avplug.bench.known_weights import describe, known_weights
    from avplug.core.registry import get_registry

    registry = get_registry()
    only = registry.get("model", model).spec if model else None
    rows = [
        describe(entry, weights)
        for entry, weights in known_weights(registry)
        if only in (None, entry.spec)
    ]
    if json:
        console.print_json(rows)
        return
    console.print_table(
        ("WEIGHTS", "VARIANT", "DATA SET", "CLASSES", "CLAIM", "LICENCE", "HERE"),
        [
            (
                f"{row['model']}/{row['name']}",
                row["variant"],
                {"*": "any, as text", "": "none"}.get(row["dataset"], row["dataset"]),
                row["classes"] or "",
                row["claim"],
                row["license"] or "not stated",
                "yes" if all(f["here"] for f in row["files"].values()) else "no",
            )
            for row in rows
        ],
    )


def fetch(
    name: Annotated[
        str,
        typer.Argument(
            help="MODEL/NAME as listed, https://..., or hf:OWNER/REPO/FILE."
        ),
    ],
    accept_license: Annotated[
        bool,
        typer.Option("--accept-license", help="Agree to a non-commercial licence."),
    ] = False,
) -> None:
    """Download weights, and print where they are; resumes, and verifies the sum."""
    from avplug.cli.fetching import fetch_files

    _, weights = _known(name)
    if weights.name:
        _tell(weights)
    if weights.non_commercial and not accept_license:
        raise WeightsError(
            f"The licence of '{weights.name}' is {weights.license}: no commercial use.",
            "If you agree to it, add --accept-license.",
        )
    for path in fetch_files(weights.files).values():
        console.print_line(str(path))


def _known(name: str) -> tuple[Entry | None, WeightSpec]:
    from avplug.bench.known_weights import find_known, known_weights, parse_parts
    from avplug.core.registry import get_registry
    from avplug.core.weight_specs import WeightSpec

    parts = parse_parts(name)
    if not parts and not Path(name).expanduser().is_file():
        registry = get_registry()
        known = find_known(registry, name)
        if known is not None:
            return known
        if ":" not in name:
            names = [f"{e.spec.name}/{w.name}" for e, w in known_weights(registry)]
            raise WeightsError(
                f"There is no file '{name}', and no weights of that name are known."
                f"{closest(name, names)}",
                "Show all: avplug weights list",
            )
    return None, WeightSpec("", "", "" if parts else name, parts=parts)


def _tell(weights: WeightSpec) -> None:
    about = {
        "licence": weights.license or "not stated",
        "published at": weights.page,
        "claim": weights.claim,
        "note": weights.notes,
    }
    for key, value in about.items():
        if value:
            console.message(f"{key}: {value}")


def verify(
    name: Annotated[
        str, typer.Argument(help="A file, part=file,part=file, or MODEL/NAME.")
    ],
    model: Annotated[
        str | None,
        typer.Option("--model", "-m", help="Compare with this model or model:variant."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Tell what a checkpoint is and which models it fits, without running its code."""
    from avplug.bench.verify_weights import describe_checkpoint, fits
    from avplug.core.registry import get_registry

    checkpoint = _read(name)
    about = describe_checkpoint(checkpoint)
    found = fits(get_registry(), checkpoint, model)
    if json:
        console.print_json({**about, "models": [_plain(fit) for fit in found]})
    else:
        console.print_table(
            ("FIELD", "VALUE"),
            [(key, value) for key, value in about.items() if value not in ("", {}, 0)],
        )
        _print_fits(found, model)
    if not any(fit.fits for fit in found):
        raise typer.Exit(1)


def _read(name: str) -> Checkpoint:
    from avplug.core.checkpoints import read_parts
    from avplug.core.sources import find

    _, weights = _known(name)
    paths = {part: find(file) for part, file in weights.files.items()}
    here = {part: path for part, path in paths.items() if path is not None}
    if len(here) < len(paths):
        raise WeightsError(
            f"'{name}' is not on this machine.",
            f"Fetch it first: avplug weights fetch {name}",
        )
    checkpoint = read_parts(here)
    sums = checkpoint.parts or {"": checkpoint.sha256}
    for part, file in weights.files.items():
        if not sums[part].startswith(file.sha256):
            raise WeightsError(
                f"{here[part]} has sha256 {sums[part]}, not {file.sha256} as published."
            )
    return checkpoint


def _plain(fit: Fit) -> dict[str, Any]:
    from dataclasses import asdict

    return {**asdict(fit), "fits": fit.fits}


def _print_fits(found: list[Fit], model: str | None) -> None:
    fitting = [fit for fit in found if fit.fits]
    for fit in fitting:
        groups = ", ".join(f"{n} of {group}" for group, n in fit.ignored.items())
        left_out = f" (left out: {groups})" if groups else ""
        console.print_line(f"fits {fit.model}{left_out}")
    if fitting:
        return
    best = found[0]
    console.print_line(
        f"does not fit {best.model}"
        if model
        else f"fits no model here; the closest is {best.model}"
    )
    if best.misfit is None:
        console.print_line(f"  could not be made: {best.problem}")
        return
    for what, names in (
        ("missing", best.misfit.missing),
        ("unexpected", best.misfit.unexpected),
        ("of another shape", best.misfit.misshapen),
    ):
        if names:
            console.print_line(f"  {what}: {len(names)}")
        for name in names[:_SHOWN]:
            console.print_line(f"    {name}")
        if len(names) > _SHOWN:
            console.print_line(f"    and {len(names) - _SHOWN} more")


def convert(
    source: Annotated[str, typer.Argument(help="A file, or MODEL/NAME.")],
    target: Annotated[str, typer.Argument(help="Ends in .safetensors.")],
) -> None:
    """Write a checkpoint as safetensors, by bare names; parts become one file."""
    from avplug.core.checkpoints import save_tensors

    checkpoint = _read(source)
    facts = {**checkpoint.metadata, "converted_from": checkpoint.sha256}
    sha256 = save_tensors(target, checkpoint.tensors, facts)
    console.print_line(f"{sha256}  {target}")
