"""What many classes cost: one tree of answers, against a copied clip for each class.

    OMP_NUM_THREADS=1 python benchmarks/answers.py tree
    OMP_NUM_THREADS=1 python benchmarks/answers.py copies

Both print the same scores. The network has random values, 8 layers of 512.
"""

from __future__ import annotations

import copy
import itertools
import resource
import sys
import time

import torch
from avplug_videollama import loading
from avplug_videollama.model import VideoLlama
from avplug_videollama.tiny import make_omni
from torch.nn.utils.rnn import pad_sequence

#: Of VGGSound.
CLASSES = 309
#: Rows with a copy each that are held at once.
ROWS = 32


def larger() -> torch.nn.Module:
    """Return a Qwen2.5-Omni with a language model that one core can still run."""
    small = make_omni()
    config = small.config
    text = config.text_config
    text.hidden_size, text.intermediate_size, text.num_hidden_layers = 512, 1024, 8
    text.num_attention_heads, text.num_key_value_heads = 8, 4
    text.layer_types = ["full_attention"] * text.num_hidden_layers
    text.rope_parameters["mrope_section"] = [8, 12, 12]
    text.initializer_range = 0.02
    config.audio_config.output_dim = config.vision_config.out_hidden_size = 512
    torch.manual_seed(0)
    return type(small)(config)


def copies(model: VideoLlama, frames: torch.Tensor, sound: torch.Tensor) -> list[float]:
    """Return the sums of one clip's log-probabilities, a row for each class."""
    reader, scores = model.reader, []
    ids = [torch.tensor(answer) for answer in tokens_of(model)]
    read = reader.read(frames, sound)
    for start in range(0, len(ids), ROWS):
        part = ids[start : start + ROWS]
        cache = copy.deepcopy(read.cache)
        cache.batch_repeat_interleave(len(part))
        answers = pad_sequence(part, batch_first=True)
        places = read.position + torch.arange(answers.shape[1])
        hidden = reader.network.model(
            input_ids=answers,
            position_ids=places.expand(3, len(part), -1),
            past_key_values=cache,
            use_cache=True,
        ).last_hidden_state
        before = read.state.expand(len(part), -1, -1)
        states = torch.cat([before, hidden[:, :-1]], 1)
        likely = reader.logits(states).log_softmax(-1)
        for answer, row in zip(part, likely, strict=True):
            places = torch.arange(len(answer))
            scores.append(float(row[places, answer].sum()))
    return scores


def tokens_of(model: VideoLlama) -> list[list[int]]:
    """Return the tokens of each answer."""
    tokenizer = loading.make_tokenizer()
    return [tokenizer(f"{label}<|im_end|>")["input_ids"] for label in model.labels]


def main(way: str) -> None:
    """Time one clip, and print the peak of memory."""
    loading.RANDOM["random"] = (larger, *loading.RANDOM["random"][1:])
    names = map("".join, itertools.product("abcdefg", "aeiou", "lmnrst", "aeo"))
    labels = tuple(itertools.islice(names, CLASSES))
    model = VideoLlama(labels, weights="random", length="sum").eval()
    draw = torch.Generator().manual_seed(1)
    frames = torch.rand(1, 8, 3, 224, 224, generator=draw)
    sound = 0.1 * torch.randn(1, 160_000, generator=draw)
    with torch.no_grad():
        start = time.perf_counter()
        model.reader.read(frames, sound)
        reading, before = time.perf_counter() - start, peak()
        start = time.perf_counter()
        if way == "tree":
            scores = model(frames, sound)[0].tolist()
        else:
            scores = copies(model, frames, sound)
        seconds = time.perf_counter() - start
    lines = (
        f"{CLASSES} classes, {model.reader.ids.shape[1]} tokens of prompt, {way}",
        f"reading alone {reading:.1f} s; all {seconds:.1f} s",
        f"peak {before:.0f} MB when read, {peak():.0f} MB in all",
        f"scores {scores[0]:.4f} to {scores[-1]:.4f}, sum {sum(scores):.2f}",
    )
    sys.stdout.write("\n".join((*lines, "")))


def peak() -> float:
    """Return the most memory that the process has held, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main(sys.argv[1])
