"""Files that came in place of the ones asked for: web pages, pointers, nothing."""

from __future__ import annotations

#: So many bytes tell.
HEAD = 512

_LFS = b"version https://git-lfs.github.com/spec/"


def impostor(head: bytes) -> tuple[str, str] | None:
    """Return what a file is that only stands for another one; None if it does not.

    Args:
        head: Its first :data:`HEAD` bytes, or all.

    Returns:
        What it is, and what to do about it.
    """
    if not head:
        return "an empty file", "Fetch it again."
    if head.startswith(_LFS):
        return (
            "a Git LFS pointer, which only names the file",
            "Get the file itself: git lfs pull, or the repository's download button.",
        )
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if text.startswith((b"<!doctype html", b"<html", b"<head", b"<?xml")):
        return (
            "a web page, such as a sign-in or a warning, and no file",
            "Open the address in a browser, save the file, and give its path.",
        )
    return None
