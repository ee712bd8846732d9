"""What the templates of each kind need to know of it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scaffold:
    """A kind of component as ``avplug new`` writes it.

    Args:
        noun: What sentences call it.
        spec: Name of the descriptor.
        summary: Of the class as generated.
        names: What the class imports from ``avplug``.
        needs: Distributions that the class imports, besides avplug.
        more: Further lines of the descriptor.
        use: Commands that try it.
    """

    noun: str
    spec: str
    summary: str
    names: tuple[str, ...]
    needs: tuple[str, ...]
    use: tuple[str, ...]
    more: tuple[str, ...] = ()


_NUMPY, _TORCH = ("numpy>=1.26",), ("torch>=2.6",)
_RUN = "avplug run --severity 3 --corruption gaussian --limit 12"

SCAFFOLDS: dict[str, Scaffold] = {
    "corruption": Scaffold(
        "corruption",
        "CorruptionSpec",
        "Noise over picture and sound",
        ("ClipInfo", "Corruption", "KeyedRandom"),
        _NUMPY,
        ("avplug run --corruption {name} --severity 3 --limit 12 --out runs/{name}",),
        more=('category="other"', 'profiles=("paper",)'),
    ),
    "model": Scaffold(
        "model",
        "ModelSpec",
        "Two convolutions and a head",
        ("InputSpec", "Model", "Surface"),
        _TORCH,
        (
            "avplug train --model {name} --epochs 1 --limit 64 --out trained/{name}",
            f"{_RUN} --model {{name}} --weights trained/{{name}}/weights.safetensors"
            " --out runs/{name}",
        ),
        more=(
            'capabilities=("norm", "classifier", "gradient")',
            'modalities="av"',
        ),
    ),
    "adaptation": Scaffold(
        "test-time adaptation method",
        "AdaptationSpec",
        "Less entropy by the normalisation layers",
        ("Adapter", "Batch", "Model"),
        _TORCH,
        (f"{_RUN} --tta source,{{name}} --out runs/{{name}}",),
        more=('needs=("norm", "gradient")',),
    ),
    "metric": Scaffold(
        "metric",
        "MetricSpec",
        "Accuracy of each class, averaged",
        ("Metric", "Predictions"),
        _NUMPY,
        (f"{_RUN} --metric {{name}} --out runs/{{name}}",),
        more=('task="single-label"', 'title="class accuracy (%)"'),
    ),
    "dataset": Scaffold(
        "data set",
        "DatasetSpec",
        "Rendered tones and coloured noise",
        ("Clip", "ClipRef", "Dataset", "InputSpec", "KeyedRandom"),
        _NUMPY,
        (
            "avplug train --dataset {name} --epochs 1 --limit 32 --out trained/{name}",
            f"{_RUN} --dataset {{name}} --weights trained/{{name}}/weights.safetensors"
            " --out runs/{name}",
        ),
        more=("classes=3", "needs_root=False"),
    ),
    "attack": Scaffold(
        "adversarial attack",
        "AttackSpec",
        "One step up the loss, in both senses",
        (
            *("Attack", "Attacked", "Batch", "Budget", "KeyedRandom", "Model"),
            *("ThreatModel", "UsageError", "task_loss"),
        ),
        _TORCH,
        ("avplug run --attack {name} --limit 12 --out runs/{name}",),
    ),
    "defense": Scaffold(
        "defence",
        "DefenseSpec",
        "Training under noise",
        ("Batch", "Defense", "Model", "Moment", "UsageError", "task_loss"),
        _TORCH,
        (
            "avplug train --defense {name} --epochs 1 --limit 32 --out trained/{name}",
            f"{_RUN} --weights trained/{{name}}/weights.safetensors"
            " --out runs/{name}",
        ),
    ),
    "executor": Scaffold(
        "executor",
        "ExecutorSpec",
        "One task after the other, the last first",
        ("Executor", "Outcome", "Task", "Tell", "Work"),
        (),
        (f"{_RUN} --executor {{name}} --out runs/{{name}}",),
    ),
}
