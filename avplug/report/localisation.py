"""Where models heard the sound in the picture, clean and attacked: table and overlays.

An overlay is the map, brought to the picture's size bilinearly and stretched from its
least to its largest weight, half over the picture: it shows where, not how much.
"""

from __future__ import annotations

import io
from base64 import b64encode
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from avplug.bench.store import Maps
from avplug.report.attack_tables import decibels, head, head_columns
from avplug.report.attacked import AttackedCell, AttackPanel
from avplug.report.labels import canonical
from avplug.report.markup import Child, Markup, tag
from avplug.report.table import Column, Table, Value, plain

#: Of an overlay's JPEG.
_QUALITY = 80
#: Side of an overlay in pixels, at least.
_SIDE = 128
#: Colour of the least, the middle and the largest weight: dark, red, yellow.
_RAMP = np.array([[0, 0, 40], [214, 40, 40], [255, 236, 120]], np.float64)


def localisation_table(panel: AttackPanel) -> Table | None:
    """Return the shift of the maps in each attacked cell; None without maps."""
    rows: list[tuple[Value, ...]] = []
    for cell in panel.cells:
        facts = cell.facts.get("localisation")
        if facts:
            known = facts["correlation"]
            rows.append(
                (
                    *head(panel, cell),
                    cell.senses,
                    cell.budget,
                    None if known is None else plain(known, 3),
                    plain(facts["entropy"], 3, signed=True),
                    plain(facts["moved"], 3),
                    f"{facts['flat']}/{facts['clips']}",
                    *decibels([cell]),
                )
            )
    if not rows:
        return None
    return Table(
        "localisation",
        f"Where the sound is localised under attack on {panel.dataset}",
        (
            *head_columns(panel),
            Column("senses", "senses", False),
            Column("budget", "budget", False),
            Column("correlation", "correlation"),
            Column("entropy", "entropy shift"),
            Column("moved", "maximum moved"),
            Column("flat", "flat maps"),
            Column("psnr", "PSNR dB"),
            Column("snr", "SNR dB"),
        ),
        tuple(rows),
        "Of each clip's map before and after the attack, means over all clips."
        " correlation: Pearson's, over the places; 1 where nothing changed, clips with"
        " a flat map left out. entropy shift in nats: above 0 the map blurs. maximum"
        " moved: in sides of the picture.",
    )


def overlays(panel: AttackPanel) -> Iterator[Child]:
    """Yield a figure for each kind of attacked cell that kept maps, of its first."""
    shown: set[str] = set()
    for cell in panel.cells:
        about = {key: value for key, value in cell.about.items() if key != "surrogates"}
        model = cell.stored.cell["model"]
        who = model.get("training", {}).get("name") or cell.method.model
        corruption = cell.corruption.label if cell.corruption else "clean"
        kind = canonical([who, about, cell.knowledge, corruption])
        maps = None if kind in shown else cell.stored.maps()
        if maps is not None:
            shown.add(kind)
            yield _figure(cell, maps)


def _figure(cell: AttackedCell, maps: Maps) -> Markup:
    what = f"{cell.method.model} under {cell.attack} ({cell.senses}, {cell.budget})"
    caption = f"{what}: clean above, attacked below"
    pairs = []
    for i, clip in enumerate(map(str, maps.ids)):
        clean = _image(maps.frames[i], maps.before[i], f"{clip}, clean, {what}")
        after = _image(maps.attacked[i], maps.after[i], f"{clip}, attacked, {what}")
        pairs.append(tag("div", clean, after))
    return tag(
        "figure", tag("figcaption", caption), tag("div", pairs, class_="overlays")
    )


def _image(frame: NDArray[np.uint8], weights: NDArray[np.float32], text: str) -> Markup:
    buffer = io.BytesIO()
    Image.fromarray(overlay(frame, weights)).save(buffer, "JPEG", quality=_QUALITY)
    data = b64encode(buffer.getvalue()).decode()
    return tag("img", src=f"data:image/jpeg;base64,{data}", alt=text, title=text)


def overlay(
    frame: NDArray[np.uint8], weights: NDArray[np.float32]
) -> NDArray[np.uint8]:
    """Return a picture [H, W, 3] with a map [h, w] over it, its sides 128 at least."""
    height, width = frame.shape[:2]
    scale = max(1, -(-_SIDE // min(height, width)))
    size = (scale * width, scale * height)
    picture = Image.fromarray(frame).resize(size, Image.Resampling.BILINEAR)
    spread = float(weights.max() - weights.min())
    stretched = (weights - weights.min()) / (spread or 1.0)
    heat = Image.fromarray(stretched.astype(np.float32))
    places = np.asarray(heat.resize(size, Image.Resampling.BILINEAR), np.float64)
    steps = np.linspace(0, 1, len(_RAMP))
    colours = [np.interp(places, steps, channel) for channel in _RAMP.T]
    mixed = 0.5 * np.asarray(picture, np.float64) + 0.5 * np.stack(colours, -1)
    return mixed.round().astype(np.uint8)
