"""Cells in words."""

from __future__ import annotations

from typing import Any


def describe_cell(identity: Any) -> str:
    """Return a cell in words, such as ``cav-mae tent gaussian s5 seed 0``."""
    attack = describe_attack(identity.get("attack"))
    model = identity["model"]
    training = model.get("training")
    name = f"{training['name']} #{training['seed']}" if training else model["name"]
    return (
        f"{name} {identity['adaptation']['name']} "
        f"{describe_condition(identity)}{attack} seed {identity['seed']}"
    )


def describe_attack(about: Any) -> str:
    """Return an attack in words, such as `` pgd on av (video 0.031, audio 0.01)``."""
    if not about:
        return ""
    sizes = [
        f"{name} {about['threat'][name]['epsilon']:.2g}"
        for name in ("video", "audio")
        if about["threat"][name] and name[0] in about["senses"]
    ]
    where = f", {about['protocol']}" if "protocol" in about else ""
    made = ", from surrogates" if about.get("surrogates") else ""
    return f" {about['name']} on {about['senses']} ({', '.join(sizes)}{where}{made})"


def describe_condition(identity: Any) -> str:
    """Return what happens to the clips of a cell, such as ``gaussian s5``."""
    if "stream" in identity:
        first, *_, last = (describe_condition(part) for part in identity["stream"])
        count = len(identity["stream"])
        return f"{identity['adaptation']['protocol']} {first} to {last} ({count})"
    corruption = identity["corruption"]
    return f"{corruption['name']} s{identity['severity']}" if corruption else "clean"
