"""``avplug train``: fit a model to a data set; the same command again goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from avplug.bench.training import Epoch


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
    epochs: Annotated[int, typer.Option(help="Passes over the clips.")] = 12,
    batch_size: Annotated[int, typer.Option(help="Clips per step.")] = 32,
    lr: Annotated[float, typer.Option(help="Highest learning rate.")] = 1e-3,
    weight_decay: Annotated[float, typer.Option(help="Of matrices.")] = 0.05,
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
        typer.Option("-o", help="A setting: -o model.mode=audioonly."),
    ] = None,
) -> None:
    """Fit a model to a data set and save its weights; resumes after a kill."""
    from avplug.bench.config import parse_options
    from avplug.bench.training import TrainConfig, train
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
        epochs=epochs,
        batch_size=batch_size,
        lr=lr,
        weight_decay=weight_decay,
        seed=seed,
        workers=workers,
        threads=threads,
        device=device,
        limit=limit,
        options=parse_options(tuple(option or ())),
    )
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
