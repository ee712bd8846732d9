"""A page of playable clips: no script, no request, everything from data escaped."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from avplug._version import __version__
from avplug.core.files import write_atomic
from avplug.report.document import document
from avplug.report.markup import Child, Markup, tag

#: Bytes of clips up to which a page holds them; above, they lie beside it.
EMBEDDED = 3 << 20


@dataclass(frozen=True, slots=True)
class Player:
    """A clip to play.

    Args:
        caption: What is heard and seen, such as ``severity 3``.
        name: Of its file, safe and unique in the gallery; without a suffix.
        content: An mp4.
        poster: A JPEG to show until it plays; none where it is a sound alone.
    """

    caption: str
    name: str
    content: bytes
    poster: bytes = b""

    @property
    def files(self) -> dict[str, bytes]:
        """What lies on disk, by the suffix of its name."""
        films = {".mp4": self.content}
        return {**films, ".jpg": self.poster} if self.poster else films


@dataclass(frozen=True, slots=True)
class Shelf:
    """Players under one heading, and a sentence about them."""

    title: str
    about: str
    players: Sequence[Player]


@dataclass(frozen=True, slots=True)
class Gallery:
    """What the page shows, from top to bottom, and notes for its foot."""

    title: str
    about: str
    shelves: Sequence[Shelf]
    notes: Sequence[str] = ()


def write_gallery(path: Path, gallery: Gallery, embedded: int = EMBEDDED) -> Path:
    """Write the page; with much to play, the clips go into ``<stem>-clips`` beside it.

    Args:
        path: An ``.html`` file; parent folders are made.
        gallery: What it shows.
        embedded: Bytes of clips up to which they become part of the page.
    """
    contents = {
        player.name + suffix: content
        for shelf in gallery.shelves
        for player in shelf.players
        for suffix, content in player.files.items()
    }
    folder = ""
    if sum(map(len, contents.values())) > embedded:
        folder = f"{path.stem}-clips"
        for name, content in contents.items():
            write_atomic(path.parent / folder / name, content)
    write_atomic(path, gallery_page(gallery, folder).encode())
    return path


def gallery_page(gallery: Gallery, folder: str = "") -> str:
    """Return the page as one HTML document.

    Args:
        gallery: What it shows.
        folder: Where the clips lie, relative to the page; "" for inside it.
    """
    return document(
        gallery.title,
        "avplug preview",
        _main(gallery, folder),
        [tag("p", note) for note in _notes(gallery)],
        sorts=False,
        # A page that is a file is no origin of its own: 'self' would not cover its
        # folder.
        media="'self' file:" if folder else "data:",
    )


def players(shelf: Shelf, folder: str = "") -> Markup:
    """Return the players of a shelf side by side.

    Args:
        shelf: Whose.
        folder: Where the clips lie, relative to the page; "" for inside it.
    """
    figures = [_figure(shelf, player, folder) for player in shelf.players]
    return tag("div", figures, class_="players")


def _main(gallery: Gallery, folder: str) -> Iterator[Child]:
    yield tag("h1", gallery.title)
    yield tag("p", gallery.about)
    if len(gallery.shelves) > 2:
        links = [
            tag("li", tag("a", shelf.title, href=f"#shelf-{number}"))
            for number, shelf in enumerate(gallery.shelves)
        ]
        yield tag("nav", tag("ul", links, class_="index"), aria_label="Corruptions")
    for number, shelf in enumerate(gallery.shelves):
        yield tag("h2", shelf.title, id=f"shelf-{number}")
        yield tag("p", shelf.about)
        yield players(shelf, folder)


def _figure(shelf: Shelf, player: Player, folder: str) -> Markup:
    element = tag(
        "video" if player.poster else "audio",
        controls=True,
        loop=True,
        playsinline=True,
        preload="none" if player.poster else "metadata",
        poster=_address(player, ".jpg", "image/jpeg", folder),
        src=_address(player, ".mp4", "video/mp4", folder),
        aria_label=f"{shelf.title}, {player.caption}",
    )
    return tag("figure", element, tag("figcaption", player.caption))


def _address(player: Player, suffix: str, kind: str, folder: str) -> str | None:
    content = player.files.get(suffix)
    if content is None:
        return None
    if folder:
        return f"{quote(folder)}/{quote(player.name)}{suffix}"
    return f"data:{kind};base64,{b64encode(content).decode()}"


def _notes(gallery: Gallery) -> Iterator[str]:
    yield from gallery.notes
    yield f"Made by avplug {__version__}."
