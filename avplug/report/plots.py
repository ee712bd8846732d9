"""Figures for papers as SVG, PDF and PNG, drawn by matplotlib (extra ``figures``).

Equal results give equal files: no dates, ids from names, fonts inside. A user's style
of matplotlib is neither used nor changed.
"""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from avplug._version import __version__
from avplug.core.errors import MissingExtraError, UsageError
from avplug.core.files import storing, write_atomic
from avplug.report.plot_artists import draw
from avplug.report.plot_data import Drawing, drawings
from avplug.report.scores import Scores

#: Formats and what their files say of their making; a date would change them daily.
FORMATS: dict[str, dict[str, str | None]] = {
    "svg": {"Date": None, "Creator": f"avplug {__version__}"},
    "pdf": {"CreationDate": None, "Creator": f"avplug {__version__}", "Producer": None},
    "png": {"Software": f"avplug {__version__}"},
}

_STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 9,
    "legend.frameon": False,
    "lines.linewidth": 1.4,
    "lines.markersize": 5,
    # TrueType within the file, whose text can be searched; SVG has outlines.
    "pdf.fonttype": 42,
    "svg.fonttype": "path",
    # Ids are made of this and the content.
    "svg.hashsalt": "avplug",
    # A dollar in a name is a dollar.
    "text.parse_math": False,
}


def write_figures(
    scores: Scores,
    folder: Path,
    formats: Sequence[str] = ("svg",),
    severity: int | None = None,
) -> list[Path]:
    """Draw every figure that the results have the cells for; return their files.

    Args:
        scores: What they are of.
        folder: Made if need be.
        formats: ``"svg"``, ``"pdf"``, ``"png"``.
        severity: Of heat maps and radars; the mean of the severities if None.

    Raises:
        MissingExtraError: matplotlib is not installed.
        UsageError: A format is unknown, or there is nothing to draw.
        StorageError: A file cannot be written.
    """
    require(formats)
    found = drawings(scores, severity)
    if not found:
        raise UsageError(
            "These results have nothing to draw.",
            "Figures need corrupted cells, or attacked ones of two budgets or more.",
        )
    written = []
    for name, drawing in _named(found).items():
        for form, data in render(drawing, formats).items():
            path = folder / f"{name}.{form}"
            with storing(folder, path.name):
                write_atomic(path, data)
            written.append(path)
    return written


def require(formats: Sequence[str]) -> None:
    """Refuse what cannot be drawn, before anything is computed.

    Raises:
        MissingExtraError: matplotlib is not installed.
        UsageError: A format is unknown.
    """
    for form in formats:
        if form not in FORMATS:
            raise UsageError(
                f"There is no figure format {form!r}.",
                f"Formats: {', '.join(FORMATS)}.",
            )
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise MissingExtraError(
            "Figures need matplotlib, which is not installed.",
            'Install it with: pip install "avplug[figures]"',
        ) from error


def render(drawing: Drawing, formats: Sequence[str]) -> dict[str, bytes]:
    """Return a figure as the content of a file of each format."""
    import matplotlib

    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_STYLE)
        figure = draw(drawing)
        files = {}
        for form in formats:
            buffer = io.BytesIO()
            figure.savefig(buffer, format=form, dpi=200, metadata=FORMATS[form])
            files[form] = buffer.getvalue()
    return files


def _named(found: Sequence[Drawing]) -> dict[str, Drawing]:
    """Return figures by names that are safe for files, each once."""
    named: dict[str, Drawing] = {}
    for drawing in found:
        stem = re.sub(r"[^A-Za-z0-9.]+", "-", drawing.name).strip("-.")[:100]
        name, number = stem, 1
        while name in named:
            number += 1
            name = f"{stem}-{number}"
        named[name] = drawing
    return named
