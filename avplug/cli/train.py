"""``avplug train``: fit a model to a data set; the same command again goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from avplug.bench.train_config import Epoch


def register(app: typer.Typer) -> None:
    """Add the verb to the application."""
    app.command(name="train")(_train)


def _train(
    out: Annotated[str, typer.Option(help="Folder for weights, curve and state.")],
    dataset: Annotated[str, typer.Option(help="Data set.")] = "events",
    split: Annotated[str, typer.Option(help="Part to fit to.")] = "train",
    val_split: Annotated[str, typer.Option(help="Part to judge by.")] = "val",
    data_root: Annotated[
        str | None, typer.Option(help="Folder or list file of the data set.")
    ] = None,
    model: Annotated[
        str, typer.Option("--model", "-m", help="Model or model:variant.")
    ] = "cav-mae:tiny",
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
            " transfer16, cvpr21:0.012, pixel8:x0.5:v, or a table."
        ),
    ] = None,
    epochs: Annotated[int, typer.Option(help="Passes over the clips.")] = 12,
    batch_size: Annotated[int, typer.Option(help="Clips per step.")] = 32,
    optimizer: Annotated[str, typer.Option(help="adamw or sgd.")] = "adamw",
    schedule: Annotated[
        str, typer.Option(help="Of the learning rate: cosine or steps.")
    ] = "cosine",
    lr: Annotated[float, typer.Option(help="Highest learning rate.")] = 1e-3,
    weight_decay: Annotated[
        float, typer.Option(help="Of matrices; with sgd of all.")
    ] = 0.05,
    clip_norm: Annotated[
        float, typer.Option(help="Largest norm of the gradient; 0 for any.")
    ] = 1.0,
    seed: Annotated[int, typer.Option(help="Of everything random.")] = 0,
    workers: Annotated[int, typer.Option(help="Threads that load ahead.")] = 1,
    threads: Annotated[
        int, typer.Option(help="Of an operation on the CPU; 0: by the model's size.")
    ] = 0,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, ...")] = "auto",
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
    from avplug.bench.config import parse_options
    from avplug.bench.judging import stated
    from avplug.bench.threats import threat_model
    from avplug.bench.train_config import TrainConfig
    from avplug.bench.training import train
    from avplug.cli.console import message
    from avplug.cli.progress import TrainProgress
    from avplug.core.errors import InterruptedWorkError
    from avplug.core.registry import get_registry

    config = TrainConfig(
        out=out,
        dataset=dataset,
        split=split,
        val_split=val_split,
        data_root=data_root,
        model=model,
        init=init,
        defense=defense,
        budget=budget,
        epochs=epochs,
        batch_size=batch_size,
        optimizer=optimizer,  # type: ignore[arg-type]
        schedule=schedule,  # type: ignore[arg-type]
        lr=lr,
        weight_decay=weight_decay,
        clip_norm=clip_norm,
        seed=seed,
        workers=workers,
        threads=threads,
        device=device,
        limit=limit,
        options=parse_options(tuple(option or ())),
    )
    if budget:
        message(f"Robust accuracy: {stated(threat_model(budget))}.")
    curve: list[Epoch]
    try:
        with TrainProgress() as progress:
            curve = train(
                config, get_registry(), progress.clips_done, progress.epoch_ended
            )
    except KeyboardInterrupt:
        raise InterruptedWorkError(
            "Interrupted; finished epochs are kept.", "The same command again goes on."
        ) from None
    message(
        f"Validation accuracy {curve[-1].val_accuracy:.1f} % after {len(curve)} "
        f"epochs: {out}/weights.safetensors"
    )
