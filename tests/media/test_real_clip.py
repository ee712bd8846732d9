import json

import av
import numpy as np
import pytest
import soundfile
from PIL import Image

from avplug.builtin_models.frontend import ImageNetColours
from avplug.core.batch import collate
from avplug.core.clip import AS_IS, Clip, InputSpec
from avplug.media.frames import read_frame_folder
from avplug.media.pictures import fit, open_rgb
from avplug.media.read import read_clip
from tests.media.shared import BASKETBALL, FOLDER, PREPROCESS, needs_shared

pytestmark = needs_shared
TENTHS = tuple(range(10))


def test_the_header_counts_400_frames_and_300_are_presented():
    with av.open(str(BASKETBALL)) as container:
        assert container.streams.video[0].frames == 400
    clip = read_clip(BASKETBALL, AS_IS, "x", need="v")
    assert clip.frames.shape == (300, 360, 540, 3)
    assert clip.times[0] == 0
    assert clip.times[-1] == pytest.approx(9.976633, abs=1e-6)


def test_the_picked_frames_are_the_published_ones():
    facts = json.loads((PREPROCESS / "video_BkjpjAohg-0.json").read_text())
    published = facts["cavmae"]["frames"]
    clip = read_clip(BASKETBALL, InputSpec(size=0, picks=TENTHS), "x", need="v")
    indices = np.rint(clip.times * 30_000 / 1001).astype(int).tolist()
    assert indices == [frame["actual"] for frame in published]
    for frame, facts in zip(clip.frames, published, strict=True):
        small = Image.fromarray(frame).resize((336, 224), Image.Resampling.BILINEAR)
        means = np.asarray(small.crop((56, 0, 280, 224))).mean((0, 1))
        wanted = facts["mean_rgb_tag_respecting_conversion"]
        np.testing.assert_allclose(means, wanted, atol=6e-4)


def test_three_frames_a_second_are_the_published_ones():
    facts = json.loads((PREPROCESS / "video_BkjpjAohg-0.json").read_text())["uavm"]
    spec = InputSpec(size=0, grid=30, picks=tuple(range(30)), frame_rule="uavm")
    clip = read_clip(BASKETBALL, spec, "x", need="v")
    indices = np.rint(clip.times * 30_000 / 1001).astype(int).tolist()
    assert indices == [10 * n + 4 for n in range(30)]
    means = []
    for frame in clip.frames:
        small = Image.fromarray(frame).resize((336, 224), Image.Resampling.BICUBIC)
        means.append(np.asarray(small).mean((0, 1)))
    wanted = np.array([frame["mean_rgb"] for frame in facts["frames"]])
    # The colour matrix is the file's, not ffmpeg's guess: 1.3 levels at most; the
    # neighbouring frames are 13 off where the scene is cut.
    assert np.abs(np.array(means) - wanted).max() < 1.5


def test_the_sound_equals_the_benchmarks_wav_to_the_sample():
    wav, rate = soundfile.read(FOLDER / "eval_audio" / "BkjpjAohg-0.wav", dtype="int16")
    clip = read_clip(BASKETBALL, InputSpec(), "x", need="a")
    assert clip.sample_rate == rate
    assert clip.audio.shape == (1, len(wav))
    np.testing.assert_array_equal(np.rint(clip.audio[0] * 32_768), wav)


@pytest.mark.parametrize(
    "name", ["bird_image", "car_image", "dog_image", "frame5_BkjpjAohg-0"]
)
def test_fit_equals_the_references_pictures_bit_for_bit(name):
    with np.load(PREPROCESS / "golden_image.npz") as file:
        wanted = file[f"u8_{name}"].transpose(1, 2, 0)
    picture = open_rgb(PREPROCESS / "in" / f"{name}.jpg")
    np.testing.assert_array_equal(fit(picture, 224), wanted)


@pytest.mark.parametrize(
    "name", ["bird_image", "car_image", "dog_image", "frame5_BkjpjAohg-0"]
)
def test_normalised_pictures_equal_the_references(name):
    with np.load(PREPROCESS / "golden_image.npz") as file:
        wanted = file[f"norm_rows_{name}"]
    picture = fit(open_rgb(PREPROCESS / "in" / f"{name}.jpg"), 224)
    clip = Clip(
        "x", picture[None], np.zeros(1), np.zeros((1, 9), np.float32), 16_000, 1
    )
    normalised = ImageNetColours()(collate([clip], InputSpec()).frames)[0, 0]
    np.testing.assert_allclose(normalised[:, 110:113], wanted, atol=1e-6)


def test_the_frame_folder_of_the_same_clip():
    folder = FOLDER / "eval_frames"
    wav = FOLDER / "eval_audio" / "BkjpjAohg-0.wav"
    clip = read_frame_folder(folder, "BkjpjAohg-0", wav, InputSpec(picks=TENTHS))
    assert clip.frames.shape == (10, 224, 224, 3)
    assert clip.audio.shape == (1, 160_128)
    np.testing.assert_allclose(clip.times, np.arange(10) * 160_128 / 16_000 / 10)
    decoded = read_clip(BASKETBALL, InputSpec(picks=TENTHS), "x", need="v")
    difference = np.abs(clip.frames.astype(int) - decoded.frames)
    # Another matrix, filter and JPEG; one frame off would differ by 7 and more.
    assert difference.mean((1, 2, 3)).max() < 5
