"""Miniatures of the published data sets: their lists, and generated media."""

from fractions import Fraction

import av
import numpy as np

from avplug.core.clip import Clip
from avplug.core.registry import get_registry
from avplug.media.write import write_clip

#: A model that answers for any classes and needs no checkpoint.
MODEL = """
import torch
from avplug import InputSpec
from torch import nn


class Net(nn.Module):
    input = InputSpec(size=32, seconds=1, sample_rate=8000)

    def __init__(self, labels):
        super().__init__()
        self.weight = nn.Parameter(torch.linspace(-1, 1, len(labels)))

    def forward(self, frames, waveform):
        return frames.mean((1, 2, 3, 4))[:, None] * self.weight
"""


def video(path, seconds=1.2, level=0.3, bright=None):
    """Write an mp4 of 64 x 48 at 10 frames a second, with a tone of 16 kHz."""
    rng = np.random.default_rng(len(str(path.name)))
    count = round(10 * seconds)
    frames = rng.integers(0, 255, (count, 48, 64, 3), dtype=np.uint8)
    if bright is not None:
        frames[:] = bright
    samples = np.arange(round(16_000 * seconds)) / 16_000
    audio = (level * np.sin(2 * np.pi * 440 * samples)).astype(np.float32)[None]
    clip = Clip("x", frames, np.arange(count) / 10, audio, 16_000, seconds)
    write_clip(clip, path)


def mute_video(path):
    """Write an mp4 without a sound track."""
    frames = np.full((12, 48, 64, 3), 90, np.uint8)
    frames[:, :20] = 10
    write_clip(Clip("x", frames, np.arange(12) / 10, None, 0, 1.2), path)


def long_video(path, seconds, rate=5, gop=25):
    """Write a long mp4 of 32 x 32: the picture's brightness tells the minute."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w", format="mp4") as container:
        picture = container.add_stream("libx264", rate=rate)
        picture.width = picture.height = 32
        picture.pix_fmt = "yuv420p"
        picture.gop_size = gop
        picture.options = {"preset": "ultrafast"}
        sound = container.add_stream("aac", rate=8000, layout="mono")
        for second in range(seconds):
            for part in range(rate):
                shade = np.full((32, 32, 3), 20 + 20 * (second // 60), np.uint8)
                frame = av.VideoFrame.from_ndarray(shade, format="rgb24")
                frame.pts = second * rate + part
                frame.time_base = Fraction(1, rate)
                container.mux(picture.encode(frame))
            tone = 0.2 * np.sin(np.arange(8000) * (0.1 + 0.05 * (second // 60)))
            heard = av.AudioFrame.from_ndarray(
                tone.astype(np.float32)[None], format="fltp", layout="mono"
            )
            heard.sample_rate = 8000
            heard.pts = second * 8000
            heard.time_base = Fraction(1, 8000)
            container.mux(sound.encode(heard))
        container.mux(picture.encode())
        container.mux(sound.encode())


def audioset(root):
    (root / "eval_segments.csv").write_text(
        "# Segments csv created Sun Mar  5 10:54:25 2017\n"
        "# num_ytids=4, num_segs=4, num_unique_labels=527, num_positive_labels=6\n"
        "# YTID, start_seconds, end_seconds, positive_labels\n"
        '--4gqARaEJE, 0.000, 10.000, "/m/068hy,/m/07q6cd_,/m/0bt9lr"\n'
        '-0RWZT-miFs, 420.000, 430.000, "/m/03v3yw,/m/0k4j"\n'
        '-1EiQzgAnns, 30.000, 40.000, "/m/09x0r"\n'
        '-gone-gone-, 30.000, 40.000, "/m/09x0r"\n'
    )
    video(root / "eval" / "--4gqARaEJE.mp4")
    video(root / "eval" / "Y-0RWZT-miFs.mp4")
    video(root / "eval" / "-1EiQzgAnns_30.000.mp4")


def vggsound(root):
    (root / "vggsound.csv").write_text(
        '---g-f_I2yQ,1,"people marching",test\n'
        '--0PQM4-hqg,30,"bird chirping, tweeting",test\n'
        "--56QUhyDQM,185,playing tennis,train\n"
        "-lost-lost-,7,playing tennis,test\n"
    )
    video(root / "video" / "---g-f_I2yQ_000001.mp4")
    video(root / "video" / "--0PQM4-hqg_30.mp4")
    video(root / "video" / "--56QUhyDQM_000185.mp4")


KINETICS = "label,youtube_id,time_start,time_end,split,is_cc\n"


def kinetics_sounds(root):
    (root / "classes.txt").write_text("\n".join(f"class {i}" for i in range(32)))
    (root / "test.csv").write_text(
        KINETICS + "class 3,0A1bCd2EfGh,10,20,test,0\n"
        "class 31,zzzzzzzzzzz,0,10,test,0\n"
        "abseiling,otherothero,0,10,test,0\n"
        "class 4,missingmiss,0,10,test,0\n"
    )
    video(root / "test" / "class 3" / "0A1bCd2EfGh_000010_000020.mp4")
    video(root / "test" / "class 31" / "zzzzzzzzzzz.mp4")


def kinetics_sounds_27(root):
    (root / "test_kinetics.csv").write_text(
        "/playing_clarinet/1lOtwWVEb74.wav,/playing_clarinet/1lOtwWVEb74.mp4,82\n"
        "/tap_dancing/YBeQ8_XsJcc.wav,/tap_dancing/YBeQ8_XsJcc.mp4,82\n"
        "/tap_dancing/goneaway000.wav,/tap_dancing/goneaway000.mp4,82\n"
    )
    video(root / "playing_clarinet" / "1lOtwWVEb74.mp4")
    video(root / "tap_dancing" / "YBeQ8_XsJcc.mp4")


def kinetics50(root):
    (root / "kinetics400_test.csv").write_text(
        KINETICS + "petting cat,0A1bCd2EfGh,10,20,test,0\n"
        "krumping,zzzzzzzzzzz,0,10,test,0\n"
        "abseiling,otherothero,0,10,test,0\n"
        "krumping,missingmiss,0,10,test,0\n"
    )
    video(root / "petting cat" / "0A1bCd2EfGh_000010_000020.mp4")
    video(root / "flat" / "zzzzzzzzzzz_0_10.mp4")


def ave(root):
    (root / "testSet.txt").write_text(
        "Rodents, rats, mice&-AZoXtCgO0o&good&0&10\n"
        "Frying (food)&two-events0&good&0&5\n"
        "Male speech, man speaking&two-events0&good&5&10\n"
        "Fixed-wing aircraft, airplane&missingmiss&good&0&10\n"
    )
    video(root / "AVE" / "-AZoXtCgO0o.mp4")
    video(root / "AVE" / "two-events0.mp4")


def mit_music(root):
    (root / "test.csv").write_text(
        "/tuba/73ikMuXwKgc.wav,/tuba/73ikMuXwKgc.mp4,282\n"
        "/acoustic_guitar/QeravklOaAg.wav,/acoustic_guitar/QeravklOaAg.mp4,16\n"
        "/acoustic_guitar/missingmiss.wav,/acoustic_guitar/missingmiss.mp4,16\n"
    )
    video(root / "videos" / "tuba" / "73ikMuXwKgc.mp4")
    numbered(root, "acoustic_guitar", "QeravklOaAg")


def numbered(root, kind, name):
    """Write 16 numbered frames and two seconds of sound, as CVPR'21 extracts them."""
    from avplug.media.pictures import save_rgb
    from avplug.media.sound import write_sound

    for index in range(16):
        frame = np.full((48, 64, 3), 10 * index, np.uint8)
        frame[:, :8] = 255
        path = root / "frames" / kind / f"{name}.mp4" / f"{index + 1:06d}.jpg"
        save_rgb(path, frame)
    path = root / "audio" / kind / f"{name}.wav"
    path.parent.mkdir(parents=True)
    tone = np.sin(np.arange(2 * 11_025) / 10).astype(np.float32)[None]
    write_sound(path, tone, 11_025)


EPIC = (
    "narration_id,participant_id,video_id,narration_timestamp,start_timestamp,"
    "stop_timestamp,start_frame,stop_frame,narration,verb,verb_class,noun,noun_class,"
    "all_nouns,all_noun_classes\n"
)


def epic_classes(root):
    for task, count in (("verb", 97), ("noun", 300)):
        lines = [f"{i},{task}{i},\"['{task}{i}']\",group\n" for i in range(count)]
        (root / f"EPIC_100_{task}_classes.csv").write_text(
            "id,key,instances,category\n" + "".join(lines)
        )


def epic_row(index, start, end, video="P01_11", verb=3, noun=12):
    return (
        f"{video}_{index},P01,{video},00:00:01.0,{_stamp(start)},{_stamp(end)},1,9,"
        f"take plate,take,{verb},plate,{noun},\"['plate']\",[{noun}]\n"
    )


def _stamp(seconds):
    minutes, rest = divmod(seconds, 60)
    return f"{int(minutes) // 60:02d}:{int(minutes) % 60:02d}:{rest:05.2f}"


def epic_kitchens(root):
    epic_classes(root)
    (root / "EPIC_100_validation.csv").write_text(
        EPIC
        + epic_row(0, 0.1, 1.3)
        + epic_row(1, 1.5, 2.9, verb=96, noun=299)
        + epic_row(0, 0.0, 1.0, video="P02_03")
    )
    video(root / "P01" / "P01_11.mp4", seconds=3)
    (root / "P01" / "P01_11.mp4").rename(root / "P01" / "P01_11.MP4")


#: Data set to what makes it; each has two or three clips and one that is missing.
MAKERS = {
    "audioset": audioset,
    "vggsound": vggsound,
    "kinetics-sounds": kinetics_sounds,
    "kinetics-sounds-27": kinetics_sounds_27,
    "kinetics50": kinetics50,
    "ave": ave,
    "mit-music": mit_music,
    "epic-kitchens": epic_kitchens,
}


def opened(name, root, **options):
    """Open the data set of that name, as a run does."""
    return get_registry().get("dataset", name).load()(root=root, **options)
