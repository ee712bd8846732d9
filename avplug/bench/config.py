"""The configuration of a run: its keys, their defaults and their ranges."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal, TypeAlias

from avplug.bench.decode import decode
from avplug.core.errors import UsageError

#: See :mod:`avplug.bench.protocols` and :mod:`avplug.bench.ordering`.
ProtocolName: TypeAlias = Literal[
    "reset", "continual", "gradual", "mixed", "episodic", "offline", "few-shot"
]
#: See :mod:`avplug.bench.attacking`.
AttackProtocolName: TypeAlias = Literal["transfer", "snapshot", "adaptive"]
Precision: TypeAlias = Literal["float32", "bfloat16", "float16"]
OrderName: TypeAlias = Literal["shuffled", "fixed", "label-sorted", "correlated"]


def _key(help_text: str, default: Any) -> Any:
    if isinstance(default, dict):
        return field(default_factory=dict, metadata={"help": help_text})
    return field(default=default, metadata={"help": help_text})


@dataclass(frozen=True, slots=True, kw_only=True)
class RunConfig:
    """Everything that decides a run; the defaults are the embedded demonstration.

    Raises:
        UsageError: A value is out of its range.
    """

    dataset: str = _key("data set", "events")
    split: str = _key("part of the data set", "test")
    data_root: str | None = _key("folder or list file of the data set", None)
    models: tuple[str, ...] = _key(
        "models: name, name:variant, or your own: FILE.py:NAME", ("cav-mae:tiny",)
    )
    weights: tuple[str, ...] = _key(
        "checkpoint of each model, in their order: name, path, https://..., "
        "hf:OWNER/REPO/FILE, or part=source,part=source",
        (),
    )
    corruptions: tuple[str, ...] = _key("names, category/* or globs", ("avplug/*",))
    severities: tuple[int, ...] = _key("1 (mild) to 5 (strong)", (1, 2, 3, 4, 5))
    sound_severities: tuple[int, ...] = _key(
        "severities of the sound, crossed with those of the picture; equal if empty", ()
    )
    modalities: tuple[Literal["av", "a", "v"], ...] = _key(
        "senses that are corrupted: av, a, v", ("av",)
    )
    at: Literal["model-input", "source"] = _key(
        "where corruptions act: on what the model gets, or at the clip's own size",
        "model-input",
    )
    recordings: str | None = _key(
        "folder of real recordings to mix in, instead of synthesised sounds", None
    )
    profile: str = _key("parameters of the corruptions: paper or released", "paper")
    tta: tuple[str, ...] = _key("test-time adaptation methods", ("source",))
    attacks: tuple[str, ...] = _key(
        "adversarial attacks, each beside the clips as they are", ()
    )
    budgets: tuple[str, ...] = _key(
        "threat models of the attacks: cvpr21, pixel8, transfer16, NAME:EPSILON, "
        "NAME:xFACTOR, or an inline table; several give curves",
        ("pixel8",),
    )
    attack_senses: tuple[Literal["a", "v", "av"], ...] = _key(
        "senses that are attacked: a, v, av", ("a", "v", "av")
    )
    attack_protocols: tuple[AttackProtocolName, ...] = _key(
        "attacks on methods that adapt: transfer, snapshot, adaptive", ("snapshot",)
    )
    surrogates: tuple[str, ...] = _key(
        "models that attacks are made on as well, together: MODEL or MODEL=WEIGHTS", ()
    )
    transfer: tuple[str, ...] = _key(
        "attacks that each model meets from each other one as well, of trainings those "
        "of its seed",
        (),
    )
    only: Mapping[str, tuple[str, ...]] = _key(
        "attacks (name or glob) or budgets (as written or glob) for some models only: "
        "names of models or of their trainings",
        {},
    )
    attack_checks: bool = _key(
        "add the cells that the checks of the attacks need", False
    )
    localisation: int = _key(
        "clips of each attacked cell whose localisation maps are kept, of models that "
        "localise; 0 for none",
        4,
    )
    metrics: tuple[str, ...] = _key("metrics; by the data set's task if empty", ())
    seeds: tuple[int, ...] = _key("each repeats the matrix", (0,))
    batch_size: int = _key("clips per batch; part of the result for adaptation", 16)
    auto_batch_size: bool = _key(
        "on a GPU, larger batches if they pay, for cells without state or attack", False
    )
    protocol: ProtocolName = _key(  # noqa: RUF009 - an alias of Literal
        "streams of adaptation: reset, continual, gradual, mixed, episodic, offline, "
        "few-shot",
        "reset",
    )
    order: OrderName = _key(  # noqa: RUF009 - an alias of Literal
        "stream order of adaptation: shuffled, fixed, label-sorted, correlated",
        "shuffled",
    )
    retrieval: bool = _key(
        "keep the embeddings of both senses, of models that have them, for the metrics "
        "a2v-r1 to v2a-r10",
        False,
    )
    forgetting: int = _key("clean clips that each adapted model answers at the end", 0)
    attention_every: int = _key(
        "batches between looks at the attention between the senses; 0 for none", 0
    )
    workers: int = _key("threads that decode and corrupt ahead; 0 for none", 0)
    clip_cache: str | None = _key(
        "folder of decoded clips, shared by runs and processes; off for none", None
    )
    clip_cache_size: float = _key("GB that the folder of decoded clips may hold", 50.0)
    clip_timeout: float = _key(
        "seconds that the decoding of a clip may take; 0 for any time", 300.0
    )
    threads: int = _key("of an operation on the CPU; 0 chooses by the model's size", 0)
    device: str = _key("auto, cpu, cuda, cuda:1, mps", "auto")
    dtype: Precision = _key(  # noqa: RUF009 - an alias of Literal
        "of products and convolutions: float32, bfloat16, float16", "float32"
    )
    channels_last: bool = _key("convolutions keep channels innermost", False)
    compile: bool = _key("torch.compile makes the model's code", False)
    limit: int | None = _key("only so many clips, drawn evenly", None)
    executor: str = _key("where cells are evaluated", "in-process")
    on_error: Literal["skip", "stop"] = _key(
        "what a clip or cell that fails does: it is left out and noted (skip), or ends "
        "the run (stop)",
        "skip",
    )
    retries: int = _key("further tries to read a clip that cannot be read", 0)
    tables: tuple[Mapping[str, Any], ...] = _key(
        "tables of a paper for the report, see avplug.report.paper_tables", ()
    )
    out: str | None = _key("results folder; named by the configuration if absent", None)
    options: Mapping[str, Mapping[str, Any]] = _key(
        "settings by component: model, dataset, protocol, a model's or method's name",
        {},
    )

    def __post_init__(self) -> None:
        for severity in (*self.severities, *self.sound_severities):
            if not 1 <= severity <= 5:
                raise UsageError(
                    f"Severity {severity} is out of range.",
                    "Severities are 1, 2, 3, 4 and 5; the clean clips (0) always run.",
                )
        for name, least in (
            ("batch_size", 1),
            ("workers", 0),
            ("threads", 0),
            ("limit", 1),
            ("forgetting", 0),
            ("attention_every", 0),
            ("localisation", 0),
            ("clip_cache_size", 0),
            ("clip_timeout", 0),
            ("retries", 0),
        ):
            value = getattr(self, name)
            if value is not None and value < least:
                raise UsageError(f"{name} is {value}; it must be at least {least}.")
        attacking = ("budgets", "attack_senses", "attack_protocols")
        for name in ("models", "tta", "seeds", "modalities", *attacking):
            if not getattr(self, name):
                raise UsageError(f"{name} is empty.", "Give at least one.")
        if self.weights and len(self.weights) != len(self.models):
            raise UsageError(
                f"{len(self.weights)} weights for {len(self.models)} models.",
                "Give one for each model, in the same order.",
            )
        if (self.surrogates or self.attack_checks) and not self.attacks:
            raise UsageError(
                "Surrogates and checks of attacks are given, and no attack.",
                "Add --attack pgd.",
            )

    def as_dict(self) -> dict[str, Any]:
        """Return plain data that ``from_data`` reads back."""
        return asdict(self)


def from_data(data: Mapping[str, Any], origin: str) -> RunConfig:
    """Return the configuration that plain data states; see :func:`decode`.

    Data that states attacks and says nothing of corruptions wants none of these:
    attacks act on top of each corruption.
    """
    if data.get("attacks") and "corruptions" not in data:
        data = {**data, "corruptions": ()}
    return decode(RunConfig, data, origin)


def field_help() -> dict[str, str]:
    """Return the help text of every key."""
    return {f.name: f.metadata["help"] for f in fields(RunConfig)}
