"""``avplug corrupt``: what it writes, and what it refuses."""

import json
import os

import av
import numpy as np
import pytest
import soundfile

from avplug import corrupt
from avplug.builtin_corruptions.gaussian import Gaussian
from avplug.core.clip import AS_IS
from avplug.media.read import read_clip
from tests.media import recipes


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    path = tmp_path_factory.mktemp("source") / "clip.mp4"
    return recipes.video(path, count=12, moov_first=True)


def in_one_sentence(result) -> str:
    assert result.exit_code == 2
    assert "Traceback" not in result.stderr
    assert result.stdout == ""
    return result.stderr


def test_a_lossless_copy_holds_what_a_run_would_see(avplug, source, tmp_path):
    out = tmp_path / "new" / "copy.mp4"
    result = avplug(
        "corrupt", str(source), "-c", "gaussian", "-s", "3", "-o", str(out),
        "--lossless", "--seed", "7",
    )  # fmt: skip
    assert (result.exit_code, result.stdout) == (0, f"{out}\n")
    clip = read_clip(source, AS_IS, "clip")
    wanted = corrupt(clip, Gaussian(), "gaussian", 3, seed=7)
    copy = read_clip(out, AS_IS, "copy")
    np.testing.assert_array_equal(copy.frames, wanted.frames)
    np.testing.assert_array_equal(copy.audio, wanted.audio)
    np.testing.assert_allclose(copy.times, clip.times, atol=1e-9)


@pytest.mark.parametrize(
    ("severity", "decibels"), [(1, 40), (2, 30), (3, 20), (4, 10), (5, 0)]
)
def test_gaussian_noise_has_its_nominal_ratio(
    avplug, source, tmp_path, severity, decibels
):
    out = tmp_path / "copy.mkv"
    result = avplug(
        "corrupt", str(source), "-c", "gaussian", "-s", str(severity), "-o", str(out),
        "--lossless",
    )  # fmt: skip
    assert result.exit_code == 0
    clean = read_clip(source, AS_IS, "x", need="a").audio.astype(np.float64)
    noise = read_clip(out, AS_IS, "x", need="a").audio - clean
    ratio = 10 * np.log10((clean**2).mean() / (noise**2).mean())
    assert ratio == pytest.approx(decibels, abs=0.1)


def test_a_copy_for_viewing_says_so_and_what_was_done(avplug, source, tmp_path):
    out = tmp_path / "copy.mp4"
    result = avplug("corrupt", str(source), "-c", "impulse", "-o", str(out))
    assert result.exit_code == 0
    assert "--lossless keeps every value" in result.stderr
    with av.open(str(out)) as container:
        assert container.streams.video[0].codec_context.pix_fmt == "yuv420p"
        facts = json.loads(container.metadata["comment"])
    assert facts["corruption"] == "avplug/impulse"
    assert (facts["severity"], facts["seed"], facts["profile"]) == (5, 0, "paper")


def comment(path):
    with av.open(str(path)) as container:
        return json.loads(container.metadata["comment"])


def test_what_clipping_takes_of_the_noise_is_told(avplug, tmp_path):
    loud = recipes.video(tmp_path / "loud.mp4", count=12, moov_first=True)

    def made(*options):
        out = tmp_path / "copy.mp4"
        result = avplug("corrupt", str(loud), "-o", str(out), *options)
        assert result.exit_code == 0, result.stderr
        return result.stderr, comment(out).get("noise")

    said, noise = made("-c", "impulse", "-s", "5", "--lossless")
    assert noise["nominal_snr_db"] == 0
    assert noise["clipped_snr_db"] == noise["snr_db"] > 0.05
    assert (
        f"Note: {100 * noise['clipped']:.2g} % of the samples are clipped to -1..1: "
        f"the SNR of the sound is {noise['snr_db']:.1f} dB, not 0.0 dB.\n"
    ) in said
    # Background sound is clipped by the file, not by the corruption.
    said, noise = made("-c", "spatter", "-s", "5", "--lossless")
    assert "clipped" not in said
    assert noise["snr_db"] == 0 < noise["clipped_snr_db"]
    said, _ = made("-c", "spatter", "-s", "5")
    assert f"the sound is {noise['clipped_snr_db']:.1f} dB, not 0.0 dB" in said
    said, noise = made("-c", "gaussian", "-s", "1")
    assert "clipped" not in said
    assert noise["snr_db"] == 40
    for options in (("-c", "compression"), ("-c", "impulse", "--modalities", "v")):
        said, noise = made(*options)
        assert "clipped" not in said
        assert noise is None


def test_recordings_are_mixed_in_where_a_folder_is_given(avplug, source, tmp_path):
    folder = tmp_path / "recordings"
    (folder / "rain").mkdir(parents=True)
    hum = 0.3 * np.sin(2 * np.pi * 440 * np.arange(32_000) / 16_000)
    soundfile.write(folder / "rain" / "hum.wav", hum, 16_000)
    out = tmp_path / "copy.mp4"
    arguments = ("corrupt", str(source), "-o", str(out), "--lossless", "-s", "5")
    result = avplug(*arguments, "-c", "rain", "--recordings", str(folder))
    assert result.exit_code == 0, result.stderr
    clip = read_clip(source, AS_IS, "x", need="a")
    noise = (read_clip(out, AS_IS, "x", need="a").audio - clip.audio)[0]
    power = np.abs(np.fft.rfft(noise * np.hanning(noise.size)))
    pitch = power.argmax() * clip.sample_rate / noise.size
    assert pitch == pytest.approx(440, abs=clip.sample_rate / noise.size)
    assert "recordings" in comment(out)["facts"]
    assert "AVPLUG_RECORDINGS" not in os.environ
    message = in_one_sentence(
        avplug(*arguments, "-c", "wind", "--recordings", str(folder))
    )
    assert "wind" in message
    message = in_one_sentence(avplug(*arguments, "-c", "rain", "--recordings", "gone"))
    assert "is not a folder" in message


@pytest.mark.parametrize("modality", ["a", "v"])
def test_one_modality_leaves_the_other_alone(avplug, source, tmp_path, modality):
    out = tmp_path / "copy.mov"
    avplug(
        "corrupt", str(source), "-c", "speckle", "-o", str(out), "--lossless",
        "--modalities", modality,
    )  # fmt: skip
    clip, copy = read_clip(source, AS_IS, "x"), read_clip(out, AS_IS, "x")
    assert np.array_equal(clip.frames, copy.frames) == (modality == "a")
    assert np.array_equal(clip.audio, copy.audio) == (modality == "v")


def test_a_silent_film_needs_to_be_told_so(avplug, tmp_path):
    mute = recipes.video(tmp_path / "mute.mp4", count=5, sound=False)
    out = tmp_path / "copy.mp4"
    arguments = ("corrupt", str(mute), "-c", "gaussian", "-o", str(out))
    message = in_one_sentence(avplug(*arguments))
    assert "has no audio track" in message
    assert "--modalities v" in message
    assert avplug(*arguments, "--modalities", "v").exit_code == 0
    assert read_clip(out, AS_IS, "x", need="v").frames.shape[0] == 5


def test_an_odd_size_is_told(avplug, tmp_path):
    odd = recipes.video(tmp_path / "odd.mp4", count=3, size=(129, 65), pix_fmt="gray")
    result = avplug("corrupt", str(odd), "-c", "shot", "-o", str(tmp_path / "copy.mp4"))
    assert "Note: padded 129x65 to 130x66" in result.stderr


def test_names_and_numbers_that_do_not_exist(avplug, source, tmp_path):
    out = str(tmp_path / "copy.mp4")

    def refused(*options):
        return in_one_sentence(avplug("corrupt", str(source), "-o", out, *options))

    assert "Did you mean 'gaussian'?" in refused("-c", "gausian")
    assert "Severity 6 is not one of" in refused("-c", "gaussian", "-s", "6")
    assert "no profile 'other'" in refused("-c", "gaussian", "--profile", "other")
    assert "--modalities" in refused("-c", "gaussian", "--modalities", "x")
    assert not list(tmp_path.iterdir())


def test_files_that_cannot_be_read_or_written(avplug, source, tmp_path):
    half = recipes.half(source, tmp_path / "half.mp4")
    text = tmp_path / "text.mp4"
    text.write_text("not a film")

    def refused(path, out):
        return in_one_sentence(
            avplug("corrupt", str(path), "-c", "gaussian", "-o", str(tmp_path / out))
        )

    assert "does not exist" in refused(tmp_path / "gone.mp4", "x.mp4")
    assert "truncated or damaged" in refused(half, "x.mp4")
    assert "is not a media file" in refused(text, "x.mp4")
    assert ".mp4, .mov, .mkv" in refused(source, "x.avi")
    before = half.read_bytes()
    assert "would overwrite its source" in refused(half, "half.mp4")
    assert half.read_bytes() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["half.mp4", "text.mp4"]
