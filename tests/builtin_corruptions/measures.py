"""Statistics of corrupted pictures and sounds, as the golden files define them."""

import cv2
import numpy as np
from scipy.signal import welch

LUMA = np.array([0.299, 0.587, 0.114])
OCTAVES = {
    "63": 62.5,
    "125": 125,
    "250": 250,
    "500": 500,
    "1k": 1000,
    "2k": 2000,
    "4k": 4000,
}


def psnr(clean, spoilt):
    error = np.mean((clean.astype(np.float64) - spoilt) ** 2)
    return min(100.0, 10 * np.log10(255**2 / error)) if error else 100.0


def _window_mean(image):
    mean = cv2.boxFilter(image, cv2.CV_64F, (7, 7))
    return mean[3:-3, 3:-3]


def ssim(clean, spoilt):
    """7x7 uniform window, sample covariance, mean over channels, border cropped."""
    x, y = clean.astype(np.float64), spoilt.astype(np.float64)
    c1, c2, sample = (0.01 * 255) ** 2, (0.03 * 255) ** 2, 49 / 48
    mx, my = _window_mean(x), _window_mean(y)
    vx = sample * (_window_mean(x * x) - mx * mx)
    vy = sample * (_window_mean(y * y) - my * my)
    cov = sample * (_window_mean(x * y) - mx * my)
    top = (2 * mx * my + c1) * (2 * cov + c2)
    return float(np.mean(top / ((mx * mx + my * my + c1) * (vx + vy + c2))))


def _high_energy(frame):
    luma = frame @ LUMA
    energy = np.abs(np.fft.rfft2(luma - luma.mean())) ** 2
    # rfft2 holds each column but the first and the last of an even width once.
    energy[:, 1 : (luma.shape[1] + 1) // 2] *= 2
    fy = np.fft.fftfreq(luma.shape[0])[:, None]
    fx = np.fft.rfftfreq(luma.shape[1])[None]
    return energy[np.hypot(fx, fy) > 0.25].sum()


def of_picture(clean, spoilt):
    """Statistics of one frame, uint8 [H, W, 3]."""
    change = spoilt.astype(np.float64) - clean
    gain = (_high_energy(spoilt) + 1e-3) / (_high_energy(clean) + 1e-3)
    return {
        "psnr": psnr(clean, spoilt),
        "ssim": ssim(clean, spoilt),
        "mad": np.abs(change).mean(),
        "mean_shift": change.mean(),
        "hf_gain_db": 10 * np.log10(gain),
        "clip_lo": np.mean(spoilt == 0),
        "clip_hi": np.mean(spoilt == 255),
        "changed_frac": np.mean(np.abs(change).max(axis=2) > 2),
    }


def of_sound(clean, spoilt):
    """Statistics of one channel, [N]."""
    found = {
        "snr_db": snr_db(clean, spoilt),
        "clip_frac": np.mean(np.abs(spoilt) >= 0.999),
        "over_frac": np.mean(np.abs(spoilt) > 1),
    }
    noise = spoilt.astype(np.float64) - clean
    square = (noise - noise.mean()) ** 2
    if square.any():
        found["noise_kurtosis"] = np.mean(square * square) / np.mean(square) ** 2
    return found


def _spectrum(samples):
    return welch(samples.astype(np.float64), 16_000, "hann", 2048, 1024, detrend=False)


def band_gains(clean, spoilt):
    """Power out over in for each octave band, in dB; one channel at 16 kHz, [N]."""
    f, before = _spectrum(clean)
    _, after = _spectrum(spoilt)
    edges = {key: (c / 2**0.5, c * 2**0.5) for key, c in OCTAVES.items()}
    edges["8k"] = (4000 * 2**0.5, np.inf)
    gains = {}
    for key, (low, high) in edges.items():
        inside = (f >= low) & (f < high)
        ratio = after[inside].sum() / before[inside].sum()
        gains[f"band_gain_{key}"] = 10 * np.log10(ratio)
    return gains


def snr_db(clean, spoilt):
    """Pooled over all values; 120 when nothing changed."""
    noise = np.mean((spoilt.astype(np.float64) - clean) ** 2)
    power = np.mean(clean.astype(np.float64) ** 2)
    return 10 * np.log10(power / noise) if noise else 120.0
