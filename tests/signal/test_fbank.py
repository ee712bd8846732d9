import numpy as np
import pytest
import soundfile
import torch

from avplug.signal.fbank import (
    ENERGY_FLOOR,
    frame_sizes,
    log_mel,
    mel_weights,
    samples_for,
)
from tests.golden import ROOT, arrays, needs_golden

SOUNDS = {
    "golden_fbank_a.npz": ("car_16k", "dog_16k", "BkjpjAohg-0"),
    "golden_fbank_b.npz": ("synth_12s", "bird_audio"),
}
FLOOR = float(np.log(np.float32(ENERGY_FLOOR)))


def noise(clips: int, samples: int) -> torch.Tensor:
    return 0.1 * torch.randn(clips, samples, generator=torch.Generator().manual_seed(0))


@needs_golden
@pytest.mark.parametrize(
    ("file", "sound"), [(f, s) for f, sounds in SOUNDS.items() for s in sounds]
)
def test_equals_the_reference(file: str, sound: str) -> None:
    wanted = arrays(f"models/preprocess/{file}")
    samples, rate = soundfile.read(
        ROOT / "models" / "preprocess" / "in" / f"{sound}.wav",
        dtype="float32",
        always_2d=True,
    )
    waveform = torch.from_numpy(samples[None, :, 0].copy())
    logs = log_mel(waveform, frames=1024, sample_rate=rate)[0].numpy()
    raw = wanted[f"raw_{sound}"]
    difference = np.abs(logs[: len(raw)] - raw)
    assert difference.max() <= 5e-3
    assert difference.mean() <= 5e-5
    normalised = (logs - -5.081) / 4.4849
    np.testing.assert_allclose(
        normalised[:4], wanted[f"cavmae_norm_head_{sound}"], atol=5e-3
    )
    np.testing.assert_allclose(
        normalised[-2:], wanted[f"cavmae_norm_tail_{sound}"], atol=5e-3
    )


@needs_golden
@pytest.mark.parametrize(
    ("file", "sound"), [(f, s) for f, sounds in SOUNDS.items() for s in sounds]
)
@pytest.mark.parametrize(
    ("name", "frames", "mean", "std"),
    [("uavm_vgg", 990, -5.081, 4.4849), ("uavm_as", 1000, -4.2677, 4.569)],
)
def test_other_lengths_and_statistics_equal_the_reference(
    file: str, sound: str, name: str, frames: int, mean: float, std: float
) -> None:
    wanted = arrays(f"models/preprocess/{file}")[f"{name}_tail_{sound}"]
    samples, rate = soundfile.read(
        ROOT / "models" / "preprocess" / "in" / f"{sound}.wav",
        dtype="float32",
        always_2d=True,
    )
    waveform = torch.from_numpy(samples[None, :, 0].copy())
    logs = log_mel(waveform, frames=frames, sample_rate=rate)[0]
    got = ((logs - mean) / std).numpy()[-len(wanted) :]
    np.testing.assert_allclose(got, wanted, atol=5e-3)


def test_padding_is_zero_and_silence_is_the_floor() -> None:
    logs = log_mel(torch.zeros(1, 16_000), frames=1024)[0]
    torch.testing.assert_close(logs[:98], torch.full((98, 128), FLOOR))
    assert (logs[98:] == 0).all()
    assert (logs[0, 0].item() + 5.081) / 4.4849 == pytest.approx(-2.4218, abs=1e-4)


@pytest.mark.parametrize(
    ("samples", "frames"),
    [(0, 0), (160, 0), (399, 0), (400, 1), (559, 1), (560, 2), (160_000, 998)],
)
def test_frames_that_reach_beyond_the_end_are_padding(
    samples: int, frames: int
) -> None:
    logs = log_mel(noise(1, 164_080), torch.tensor([samples]), frames=1024)[0]
    assert (logs[:frames] != 0).any(1).all()
    assert (logs[frames:] == 0).all()


def test_lengths_have_the_effect_of_cutting() -> None:
    waveform = noise(3, 20_000)
    lengths = torch.tensor([20_000, 9_000, 4_321])
    together = log_mel(waveform, lengths, frames=200)
    for row, length in enumerate(lengths.tolist()):
        alone = log_mel(waveform[row : row + 1, :length], frames=200)
        assert torch.equal(together[row], alone[0])


def test_samples_for_gives_exactly_the_frames() -> None:
    assert samples_for(1024, 16_000) == 164_080
    assert frame_sizes(44_100) == (1102, 441)
    assert (log_mel(noise(1, 164_080), frames=1024)[0, -1] != 0).any()
    assert (log_mel(noise(1, 164_079), frames=1024)[0, -1] == 0).all()


def test_longer_sound_is_cut() -> None:
    waveform = noise(1, 50_000)
    assert torch.equal(
        log_mel(waveform, frames=100), log_mel(waveform, frames=200)[:, :100]
    )


def test_input_is_left_alone_and_offset_does_not_matter() -> None:
    waveform = noise(2, 8_000)
    before = waveform.clone()
    logs = log_mel(waveform, frames=40)
    assert torch.equal(waveform, before)
    torch.testing.assert_close(
        log_mel(waveform + 0.5, frames=40), logs, atol=1e-2, rtol=0
    )


def test_gradients_on_silence_are_finite_and_zero() -> None:
    waveform = torch.zeros(1, 4_000, requires_grad=True)
    log_mel(waveform, frames=30).sum().backward()
    assert waveform.grad is not None
    assert (waveform.grad == 0).all()


def test_gradients_agree_with_differences() -> None:
    waveform = noise(1, 720).double().requires_grad_()
    assert torch.autograd.gradcheck(
        lambda x: log_mel(x, frames=3, mel_bins=8).sum(-1), (waveform,), atol=1e-5
    )


def test_constants_made_in_inference_mode_serve_training() -> None:
    with torch.inference_mode():
        log_mel(noise(1, 4_000), frames=20, mel_bins=17)
    waveform = noise(1, 4_000).requires_grad_()
    log_mel(waveform, frames=20, mel_bins=17).sum().backward()
    assert waveform.grad is not None
    assert waveform.grad.abs().sum() > 0


def test_half_precision_is_widened() -> None:
    waveform = noise(1, 4_000).half()
    logs = log_mel(waveform, frames=20)
    assert logs.dtype == torch.float32
    assert torch.equal(logs, log_mel(waveform.float(), frames=20))


def test_autocast_leaves_every_digit() -> None:
    waveform = noise(2, 8000)
    plain = log_mel(waveform, frames=48)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(log_mel(waveform, frames=48), plain)


def test_the_fourth_triangle_is_empty_at_16_khz() -> None:
    weights = mel_weights(16_000, 128, 512)
    assert weights.shape == (256, 128)
    assert (weights.sum(0) == 0).nonzero().flatten().tolist() == [3]
    assert weights.max() <= 1


def test_batch_size_changes_no_bit() -> None:
    waveform = noise(16, 20_000)
    whole = log_mel(waveform, frames=128)
    for size in (1, 7):
        parts = [log_mel(part, frames=128) for part in torch.split(waveform, size)]
        assert torch.equal(torch.cat(parts), whole)


def test_another_shape_is_refused() -> None:
    with pytest.raises(ValueError, match=r"\[B, N\], got \[16000\]"):
        log_mel(torch.zeros(16_000), frames=10)
