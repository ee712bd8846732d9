"""``avplug corrupt``: write a corrupted copy of a media file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from avplug.cli import console
from avplug.cli.run_options import RECORDINGS_HELP

if TYPE_CHECKING:
    from avplug.media.write import Written
    from avplug.signal.noise_level import NoiseLevel

Modalities = Literal["av", "a", "v"]
#: Decibels between the SNR that was meant and that of the file that are told.
_TOLD = 0.05


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("corrupt")(corrupt)


def corrupt(
    source: Annotated[
        Path, typer.Argument(metavar="IN", help="A media file.", show_default=False)
    ],
    corruption: Annotated[
        str, typer.Option("--corruption", "-c", help="avplug list corruption.")
    ],
    out: Annotated[
        Path, typer.Option("--out", "-o", help="An .mp4, .mov or .mkv to write.")
    ],
    severity: Annotated[
        int, typer.Option("--severity", "-s", help="1 (mild) to 5 (strong).")
    ] = 5,
    profile: Annotated[
        str, typer.Option(help="Parameters: paper or released.")
    ] = "paper",
    seed: Annotated[int, typer.Option(help="Of everything random.")] = 0,
    recordings: Annotated[str | None, typer.Option(help=RECORDINGS_HELP)] = None,
    modalities: Annotated[
        Modalities, typer.Option(help="What to corrupt; the rest is copied.")
    ] = "av",
    lossless: Annotated[
        bool,
        typer.Option(
            "--lossless", help="Keep every value exactly; large, not for browsers."
        ),
    ] = False,
) -> None:
    """Write a corrupted copy of a clip, at its own size and rate."""
    written = corrupt_file(
        source,
        out,
        corruption,
        severity,
        profile=profile,
        seed=seed,
        recordings=recordings,
        modalities=modalities,
        lossless=lossless,
    )
    for note in written.notes:
        console.message(f"Note: {note}.")
    if not lossless:
        console.message(
            "Note: for viewing; 4:2:0 video weakens pixel noise. "
            "--lossless keeps every value."
        )
    console.print_line(str(written.path))


def corrupt_file(
    source: Path,
    out: Path,
    corruption: str,
    severity: int,
    *,
    profile: str = "paper",
    seed: int = 0,
    recordings: str | None = None,
    modalities: Modalities = "av",
    lossless: bool = False,
) -> Written:
    """Write a corrupted copy of a file; what was done is kept in its comment tag.

    The clip's name, which keys the random numbers, is the file's without its suffix.
    ``recordings`` is a folder of sounds to mix in, in place of synthesised ones. Where
    clipping took more than 0.05 dB of the noise away, a note says so.

    Raises:
        UsageError: The corruption, severity or profile is unknown, or ``out`` is the
            source.
        MediaError: The source lacks a track to corrupt, or cannot be read or written.
    """
    import json
    from dataclasses import replace

    from avplug._version import __version__
    from avplug.core import corruption as contract
    from avplug.core.clip import AS_IS
    from avplug.core.errors import UsageError
    from avplug.core.registry import get_registry
    from avplug.media.read import read_clip, require_tracks
    from avplug.media.write import check_suffix, write_clip

    entry = get_registry().get("corruption", corruption)
    component = entry.load()(profile=profile)
    if severity not in contract.SEVERITIES:
        raise UsageError(f"Severity {severity} is not one of 1, 2, 3, 4, 5.")
    check_suffix(out)
    if out.resolve() == source.resolve():
        raise UsageError(f"'{out}' would overwrite its source.", "Choose another -o.")
    tracks = require_tracks(source)
    hint = f"To corrupt what there is: --modalities {tracks}."
    require_tracks(source, modalities, hint)
    clip = read_clip(source, AS_IS, source.stem, need=tracks)
    how = component, entry.name, severity, seed
    with contract.recordings_from(recordings):
        spoilt = contract.corrupt(clip, *how, modalities)
        noise = contract.added_noise(clip, spoilt, *how) if "a" in modalities else None
        own = component.facts()
    facts = {
        "avplug": __version__,
        "corruption": entry.qualified,
        "severity": severity,
        "profile": profile,
        "seed": seed,
        "modalities": modalities,
        **({"facts": own} if own else {}),
        **({"noise": noise.as_dict()} if noise else {}),
    }
    written = write_clip(spoilt, out, lossless=lossless, comment=json.dumps(facts))
    if noise is None:
        return written
    return replace(written, notes=(*written.notes, *_clipping(noise, lossless)))


def _clipping(noise: NoiseLevel, lossless: bool) -> list[str]:
    """Say what clipping took of the noise that the written file should have."""
    # Only a file without loss holds what lies beyond -1..1.
    left = noise.snr_db if lossless else noise.clipped_snr_db
    if abs(left - noise.nominal_snr_db) < _TOLD:
        return []
    return [
        f"{100 * noise.clipped:.2g} % of the samples are clipped to -1..1: the SNR of "
        f"the sound is {left:.1f} dB, not {noise.nominal_snr_db:.1f} dB"
    ]
