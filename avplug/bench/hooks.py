"""The executors that avplug brings, registered like any plugin's."""

from __future__ import annotations

from avplug.core.components import ExecutorSpec
from avplug.core.hookspecs import hookimpl


@hookimpl
def avplug_executors() -> tuple[ExecutorSpec, ...]:
    """Return the built-in executors."""
    return (
        ExecutorSpec(
            "in-process",
            "avplug.bench.executors.in_process:InProcess",
            "One task after the other, in this process",
        ),
        ExecutorSpec(
            "local",
            "avplug.bench.executors.local:Local",
            "In processes of this machine, one on each GPU or core",
        ),
        ExecutorSpec(
            "ray",
            "avplug.bench.executors.ray_cluster:RayCluster",
            "On a Ray cluster, of many machines or of this one",
            requires=("ray",),
        ),
        ExecutorSpec(
            "slurm",
            "avplug.bench.executors.slurm:Slurm",
            "In jobs of Slurm, through submitit",
            requires=("submitit",),
        ),
    )
