"""``avplug train``: fit a model to a data set; the same command again goes on."""

from __future__ import annotations

from typing import Annotated, Any

import typer


def register(app: typer.Typer) -> None:
    """Add the verb to the application."""
    app.command(name="train")(_train)


def _train(
    out: Annotated[str, typer.Option(help="Folder for weights, curve and state.")],
    suite: Annotated[
        str | None,
        typer.Option(
            help="All networks that a paper's tables compare: cvpr21, iclr25;"
            " --out then has OUT/NAME/seed-S for each."
        ),
    ] = None,
    only: Annotated[
        list[str] | None, typer.Option(help="Of the suite these networks alone.")
    ] = None,
    dataset: Annotated[
        str | None, typer.Option(help="Data set. Default: events.")
    ] = None,
    split: Annotated[
        str | None, typer.Option(help="Part to fit to. Default: train.")
    ] = None,
    val_split: Annotated[
        str | None, typer.Option(help="Part to judge by. Default: val.")
    ] = None,
    data_root: Annotated[
        str | None, typer.Option(help="Folder or list file of the data set.")
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            "-m",
            help="Model or model:variant. Default: cav-mae:tiny, or the suite's.",
        ),
    ] = None,
    init: Annotated[
        str | None, typer.Option(help="Checkpoint of this model to start from.")
    ] = None,
    defense: Annotated[
        str | None,
        typer.Option(help="Against attacks; names: avplug list defense."),
    ] = None,
    budget: Annotated[
        str | None,
        typer.Option(
            help="What it shall withstand, and is judged by: cvpr21, pixel8,"
            " transfer16, cvpr21:0.012, pixel8:x0.5:v, or a table. Of a suite, for"
            " the networks that train on attacked clips."
        ),
    ] = None,
    epochs: Annotated[
        int | None, typer.Option(help="Passes over the clips. Default: 12.")
    ] = None,
    batch_size: Annotated[
        int | None, typer.Option(help="Clips per step. Default: 32.")
    ] = None,
    optimizer: Annotated[
        str | None, typer.Option(help="adamw (default) or sgd.")
    ] = None,
    schedule: Annotated[
        str | None,
        typer.Option(help="Of the learning rate: cosine (default) or steps."),
    ] = None,
    lr: Annotated[
        float | None, typer.Option(help="Highest learning rate. Default: 0.001.")
    ] = None,
    weight_decay: Annotated[
        float | None,
        typer.Option(help="Of matrices; with sgd of all. Default: 0.05."),
    ] = None,
    clip_norm: Annotated[
        float | None,
        typer.Option(help="Largest norm of the gradient; 0 for any. Default: 1."),
    ] = None,
    seed: Annotated[
        list[str] | None,
        typer.Option(help="Of everything random; of a suite several. Default: 0."),
    ] = None,
    workers: Annotated[
        int | None, typer.Option(help="Threads that load ahead. Default: 1.")
    ] = None,
    threads: Annotated[
        int | None,
        typer.Option(help="Of an operation on the CPU. Default: by the model's size."),
    ] = None,
    device: Annotated[
        str | None, typer.Option(help="auto (default), cpu, cuda, ...")
    ] = None,
    limit: Annotated[
        int | None, typer.Option(help="Only so many clips to fit to.")
    ] = None,
    option: Annotated[
        list[str] | None,
        typer.Option(
            "-o", help="A setting: -o exfmem.columns=288, -o lr_of.frame=0.1."
        ),
    ] = None,
) -> None:
    """Fit a model to a data set and save its weights; resumes after a kill."""
    from avplug.bench.config_files import parse_options
    from avplug.cli.selectors import whole_numbers
    from avplug.core.errors import InterruptedWorkError, UsageError

    flags = {
        "dataset": dataset,
        "split": split,
        "val_split": val_split,
        "data_root": data_root,
        "model": model,
        "init": init,
        "defense": defense,
        "budget": budget,
        "epochs": epochs,
        "batch_size": batch_size,
        "optimizer": optimizer,
        "schedule": schedule,
        "lr": lr,
        "weight_decay": weight_decay,
        "clip_norm": clip_norm,
        "workers": workers,
        "threads": threads,
        "device": device,
        "limit": limit,
    }
    settings: dict[str, Any] = {k: v for k, v in flags.items() if v is not None}
    settings["options"] = parse_options(tuple(option or ()))
    seeds = whole_numbers("seed", seed or ["0"])
    if not suite and (only or len(seeds) != 1):
        raise UsageError(
            "Several seeds, or networks by name, are for the trainings of a suite.",
            "Name it with --suite, or give one --seed and no --only.",
        )
    try:
        if suite:
            _networks(suite, out, settings, seeds, only or [])
        else:
            _single({**settings, "out": out, "seed": seeds[0]})
    except KeyboardInterrupt:
        raise InterruptedWorkError(
            "Interrupted; finished epochs are kept.", "The same command again goes on."
        ) from None


def _single(settings: dict[str, Any]) -> None:
    from avplug.bench.judging import stated
    from avplug.bench.threats import threat_model
    from avplug.bench.train_config import TrainConfig
    from avplug.bench.training import WEIGHTS, train
    from avplug.bench.untyped import own_defaults
    from avplug.cli.console import message
    from avplug.cli.progress import TrainProgress
    from avplug.core.registry import get_registry

    registry = get_registry()
    config = TrainConfig(**own_defaults(TrainConfig, settings, registry), **settings)
    if config.budget:
        message(f"Robust accuracy: {stated(threat_model(config.budget))}.")
    with TrainProgress() as progress:
        curve = train(config, registry, progress.clips_done, progress.epoch_ended)
    message(
        f"Validation accuracy {curve[-1].val_accuracy:.1f} % after {len(curve)} "
        f"epochs: {config.out}/{WEIGHTS}"
    )


def _networks(
    suite: str, out: str, settings: dict[str, Any], seeds: list[int], only: list[str]
) -> None:
    from avplug.bench.training_suite import plan_trainings, train_suite
    from avplug.cli.console import message
    from avplug.cli.progress import TrainProgress
    from avplug.core.errors import UsageError
    from avplug.core.registry import get_registry

    for name in ("init", "defense"):
        if name in settings:
            raise UsageError(
                f"--{name} is for one training; suite '{suite}' has its own.",
                f"Drop --{name}.",
            )
    words = [word.strip() for text in only for word in text.split(",")]
    registry = get_registry()
    planned = plan_trainings(registry, suite, out, settings, seeds, words)
    with TrainProgress() as progress:
        failed = train_suite(planned, registry, progress)
    message(f"{len(planned) - len(failed)} of {len(planned)} networks trained: {out}")
    for folder, reason in failed.items():
        message(f"{folder}: {reason}")
    if failed:
        raise typer.Exit(1)
