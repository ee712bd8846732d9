"""How clips cut from YouTube are called: its id and where in the video they begin."""

from __future__ import annotations


def segment_names(name: str, start: float, end: float) -> tuple[str, ...]:
    """Return the names in use for a part of a video, with and without zeros before.

    Examples for 30 to 40 s: ``x_000030``, ``x_30``, ``x_30.000``,
    ``x_000030_000040``, ``x_30_40``, ``x_30.000_40.000``, ``x_30000_40000``.
    """
    begins, ends = int(start), int(end)
    return (
        f"{name}_{begins:06d}",
        f"{name}_{begins}",
        f"{name}_{start:.3f}",
        f"{name}_{begins:06d}_{ends:06d}",
        f"{name}_{begins}_{ends}",
        f"{name}_{start:.3f}_{end:.3f}",
        f"{name}_{1000 * start:.0f}_{1000 * end:.0f}",
    )
