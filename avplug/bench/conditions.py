"""What happens to the clips of a cell: which corruption, how strong, to which sense."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

from avplug.bench.config import RunConfig
from avplug.bench.prepare import construct
from avplug.core.clip import Clip
from avplug.core.corruption import Corruption, added_noise, corrupt, recordings_from
from avplug.core.dataset import Dataset
from avplug.core.errors import UsageError
from avplug.core.registry import Entry, Registry
from avplug.media.fitting import shown_at
from avplug.signal.noise_level import NoiseLevel

#: Between the corruption of the picture and that of the sound.
PAIR = "+"


@dataclass(frozen=True, slots=True)
class Step:
    """One corruption of one sense, or of both (``"a"``, ``"v"``, ``"av"``)."""

    entry: Entry
    component: Corruption
    severity: int
    modalities: str

    @property
    def name(self) -> str:
        """The name that keys its random numbers."""
        return self.entry.spec.name


@dataclass(frozen=True, slots=True)
class Condition:
    """What happens to every clip of a cell; no step for clean clips.

    Args:
        name: ``gaussian``, ``rain+wind`` for a pair, ``clean``.
        severity: Of the picture, or of the sound where only it is corrupted; 0 clean.
        steps: In the order in which they act.
        identity: What belongs to the cell's identity; None for clean clips.
        premade: Where clips lie that were corrupted before; None for the run's own.
    """

    name: str
    severity: int
    steps: tuple[Step, ...] = ()
    identity: Mapping[str, Any] | None = None
    premade: Dataset | None = None

    @property
    def clean(self) -> bool:
        """Whether the clips are as they were recorded."""
        return not self.steps and self.premade is None

    def matters_to(self, modalities: str) -> bool:
        """Whether a model that uses these senses (``av``, ``a``, ``v``) can tell."""
        touched = str(self.identity["modalities"]) if self.identity else modalities
        return not {*touched}.isdisjoint(modalities)

    def apply(self, clip: Clip, seed: int) -> Clip:
        """Return the clip under this condition."""
        for step in self.steps:
            clip = corrupt(
                clip, step.component, step.name, step.severity, seed, step.modalities
            )
        return clip

    def apply_sampled(
        self, sampled: Clip, whole: Callable[[], Clip], seed: int
    ) -> Clip:
        """Return a clip under this condition, at the moments of which it has frames.

        Args:
            sampled: The clip with the frames that are wanted.
            whole: Reads it with every frame; called where a corruption needs them.
            seed: Of the run.
        """
        needed = any(s.component.whole_clip and "v" in s.modalities for s in self.steps)
        if sampled.times is None or not needed:
            return self.apply(sampled, seed)
        return shown_at(self.apply(whole(), seed), sampled.times)

    def noise_level(self, clip: Clip, spoilt: Clip, seed: int) -> NoiseLevel | None:
        """Measure the noise that :meth:`apply` added to the sound.

        None where it added none, does not say at which SNR, or the clip is silent.
        """
        for step in self.steps:
            if "a" in step.modalities:
                return added_noise(
                    clip, spoilt, step.component, step.name, step.severity, seed
                )
        return None


CLEAN = Condition("clean", 0)


def conditions(config: RunConfig, registry: Registry) -> list[Condition]:
    """Return the conditions of a run, the clean clips first.

    Raises:
        UsageError: A corruption is unknown, lacks the profile, or is no pair.
    """
    found = [CLEAN]
    with recordings_from(config.recordings):
        for picture, sound in _pairs(config, registry):
            for senses in dict.fromkeys(config.modalities):
                found += [
                    _condition(config, picture, sound, senses, seen, heard)
                    for seen, heard in _severities(config, senses)
                ]
    return found


def _pairs(config: RunConfig, registry: Registry) -> list[tuple[Entry, Entry]]:
    pairs: dict[tuple[str, str], tuple[Entry, Entry]] = {}
    for pattern in config.corruptions:
        names = pattern.split(PAIR)
        if len(names) > 2:
            raise UsageError(
                f"{pattern!r} names {len(names)} corruptions.",
                "A pair has two, of the picture and of the sound: rain+wind.",
            )
        found = [registry.select("corruption", [name]) for name in names]
        matches = product(*found) if len(found) == 2 else ((e, e) for e in found[0])
        for picture, sound in matches:
            _check_profile(picture, config.profile)
            _check_profile(sound, config.profile)
            pairs[picture.qualified, sound.qualified] = picture, sound
    return list(pairs.values())


def _check_profile(entry: Entry, profile: str) -> None:
    profiles = entry.spec.profiles  # type: ignore[attr-defined]
    if profile not in profiles:
        raise UsageError(
            f"Corruption '{entry.spec.name}' has no profile {profile!r}.",
            f"Profiles: {', '.join(profiles)}.",
        )


def _severities(config: RunConfig, senses: str) -> list[tuple[int, int]]:
    seen, heard = sorted(set(config.severities)), sorted(set(config.sound_severities))
    if senses == "av" and heard:
        return list(product(seen, heard))
    levels = heard if senses == "a" and heard else seen
    return [(level, level) for level in levels]


def _condition(
    config: RunConfig,
    picture: Entry,
    sound: Entry,
    senses: str,
    severity: int,
    sound_severity: int,
) -> Condition:
    same = picture.qualified == sound.qualified
    if same and severity == sound_severity:
        plan = [(picture, severity, senses)]
    else:
        both = [(picture, severity, "v"), (sound, sound_severity, "a")]
        plan = [part for part in both if part[2] in senses]
    steps = tuple(
        Step(entry, construct(entry, {}, profile=config.profile), level, part)
        for entry, level, part in plan
    )
    name = picture.lasting if same else f"{picture.lasting}{PAIR}{sound.lasting}"
    identity: dict[str, Any] = {
        "name": name,
        "category": picture.spec.category if same else "pair",  # type: ignore[attr-defined]
        "provider": " and ".join(
            dict.fromkeys(f"{e.provider} {e.version}" for e in (picture, sound))
        ),
        "profile": config.profile,
        "modalities": senses,
    }
    if severity != sound_severity:
        identity["sound_severity"] = sound_severity
    facts = {step.name: step.component.facts() for step in steps}
    if any(facts.values()):
        identity["facts"] = facts
    return Condition(name, severity, steps, identity)
