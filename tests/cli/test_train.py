from avplug.bench.store import Store

SIZES = (
    "model.image_size=32",
    "model.samples=2048",
    "model.sound_widths=[4, 8, 16]",
    "model.frame_width=2",
    "model.frame_depths=[1, 1, 1, 1]",
    "model.seconds=1.0",
    "dataset.clips=16",
)


def trained(avplug, out, *arguments):
    options = [word for size in SIZES for word in ("-o", size)]
    return avplug(
        *("train", "--out", str(out), "-m", "cvpr21", "--epochs", "1"),
        *("--batch-size", "8", "--optimizer", "sgd", "--schedule", "steps"),
        *(*options, *arguments),
    )


def test_a_defended_model_is_trained_and_run(avplug, tmp_path):
    start = trained(avplug, tmp_path / "start", "--defense", "minsim")
    assert start.exit_code == 0, start.output
    assert "robust accuracy" not in start.stderr
    result = trained(
        avplug,
        tmp_path / "out",
        *("--init", str(tmp_path / "start" / "weights.safetensors")),
        *("--defense", "exfmem", "-o", "exfmem.columns=8", "-o", "exfmem.steps=3"),
        *("--budget", "cvpr21:v", "-o", "lr_of.frame=0.1"),
    )
    assert result.exit_code == 0, result.output
    assert "video linf 0.006 x 0.229/0.224/0.225 pixel (0..1)" in result.stderr
    assert "audio" not in result.stderr
    assert ", robust accuracy " in result.stderr
    weights = str(tmp_path / "out" / "weights.safetensors")
    run = avplug(
        *("run", "-m", "cvpr21", "--weights", weights, "--limit", "4"),
        *("-c", "shot", "-s", "3", "--out", str(tmp_path / "run")),
    )
    assert run.exit_code == 0, run.output
    cells = Store(tmp_path / "run").cells()
    named = [cell.cell["model"]["defense"]["name"] for cell in cells]
    assert named == ["exfmem"] * len(cells)
    assert named


def test_an_adversarial_training_says_what_crafting_took(avplug, tmp_path):
    result = trained(
        avplug,
        tmp_path / "out",
        *("--defense", "adversarial", "--budget", "pixel8"),
        *("-o", "adversarial.attack_options={steps=2, step=0.5}"),
    )
    assert result.exit_code == 0, result.output
    assert "crafting 32 forwards and 32 backwards" in result.stderr


def test_an_unknown_defence_is_told(avplug, tmp_path):
    result = trained(avplug, tmp_path / "out", "--defense", "minsin")
    assert result.exit_code == 2
    assert "Did you mean 'minsim'" in result.stderr
    assert not (tmp_path / "out").exists()
