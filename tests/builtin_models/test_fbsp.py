from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st

from avplug.builtin_models.fbsp import FBSP, centred_frames, decibels, frame_count


@given(samples=st.integers(0, 300), length=st.integers(1, 60), hop=st.integers(1, 40))
@settings(deadline=None)
def test_frames_cover_the_sound_and_centre_it(
    samples: int, length: int, hop: int
) -> None:
    sound = torch.arange(1.0, samples + 1)
    frames = centred_frames(sound, length, hop)
    assert frames.shape == (frame_count(samples, length, hop), length)
    covered = (len(frames) - 1) * hop + length
    assert covered >= samples
    assert len(frames) == 1 or covered - hop < samples
    before = (covered - samples) // 2
    whole = torch.zeros(covered)
    whole[before : before + samples] = sound
    for i, frame in enumerate(frames):
        assert torch.equal(frame, whole[i * hop : i * hop + length])


@pytest.mark.parametrize(
    ("samples", "frames"),
    [(1, 1), (1654, 1), (1655, 2), (220_500, 392), (441_000, 785)],
)
def test_frame_counts_are_the_published_ones(samples: int, frames: int) -> None:
    assert frame_count(samples, 1654, 561) == frames


def test_untrained_it_is_a_fourier_transform_whose_time_includes_both_ends() -> None:
    transform = FBSP(9, 64)
    frame = torch.randn(64, generator=torch.Generator().manual_seed(0))
    time = np.pi * np.linspace(-1, 1, 64)
    waves = np.exp(-1j * np.arange(9)[:, None] * time) / 8
    expected = np.abs(waves @ frame.numpy()) ** 2
    np.testing.assert_allclose(transform(frame).detach(), expected, rtol=1e-4)


def test_trained_it_follows_the_formula() -> None:
    # Near a zero of the sinc a root of it makes much of the last bit.
    transform = FBSP(3, 64)
    with torch.no_grad():
        transform.m.copy_(torch.tensor([1.0, 2.0, 0.5]))
        transform.fb.copy_(torch.tensor([2.0, 3.0, 4.0]))
    real, imaginary = transform.kernel()
    m, fb, fc = (p.detach().double().numpy() for p in transform.parameters())
    time = (np.pi * np.linspace(-1, 1, 64) + 1e-8)[:, None]
    wave = np.sinc(fb * time / m / np.pi).astype(complex)
    expected = np.sqrt(fb / 64) * wave**m * np.exp(-1j * fc * time)
    np.testing.assert_allclose(real.detach(), expected.real, atol=1e-4)
    np.testing.assert_allclose(imaginary.detach(), expected.imag, atol=1e-4)


def test_a_short_frame_is_in_the_middle() -> None:
    transform = FBSP(5, 64)
    short = torch.randn(40)
    whole = torch.nn.functional.pad(short, (12, 12))
    torch.testing.assert_close(transform(short), transform(whole))


def test_the_kernel_is_kept_until_a_parameter_changes() -> None:
    transform = FBSP(5, 64).requires_grad_(False)
    first = transform.kernel()
    assert transform.kernel()[0] is first[0]
    transform.fc.add_(1)
    second = transform.kernel()
    assert not torch.equal(second[0], first[0])
    transform.load_state_dict(FBSP(5, 64).state_dict())
    assert torch.equal(transform.kernel()[0], first[0])
    assert transform.double().kernel()[0].dtype == torch.float64


def test_a_kernel_made_in_inference_mode_takes_part_in_a_backward_pass() -> None:
    transform = FBSP(5, 64).requires_grad_(False)
    with torch.inference_mode():
        transform(torch.rand(64))
    frame = torch.rand(64, requires_grad=True)
    transform(frame).sum().backward()
    assert frame.grad is not None


@pytest.mark.parametrize("order", [0.0, 0.7])
def test_gradients_of_the_parameters_are_finite(order: float) -> None:
    transform = FBSP(5, 64)
    with torch.no_grad():
        transform.m.fill_(order)
    transform(torch.rand(2, 64)).sum().backward()
    for parameter in transform.parameters():
        assert parameter.grad.isfinite().all()
    assert transform.fc.grad.abs().sum() > 0


def test_silence_is_minus_180_decibels_without_a_gradient() -> None:
    power = torch.tensor([0.0, 1.0, 100.0], requires_grad=True)
    levels = decibels(power)
    torch.testing.assert_close(levels, torch.tensor([-180.0, 0.0, 20.0]))
    levels.sum().backward()
    assert power.grad[0] == 0
    assert power.grad.isfinite().all()
