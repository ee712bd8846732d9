from __future__ import annotations

import builtins
import gzip
import hashlib
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings, strategies as st

from avplug.builtin_models.tokenizer import Tokenizer
from avplug.builtin_models.zero_shot_config import VOCABULARY_SHA256
from avplug.core.errors import MissingExtraError, UsageError, WeightsError
from tests.builtin_models.shared import VOCABULARY, needs_vocabulary
from tests.builtin_models.vocabulary import WORDS, merges, write_vocabulary
from tests.golden import arrays, facts, needs_golden

START = 512 + len(merges())
END = START + 1


def made(folder: Path) -> Tokenizer:
    options = write_vocabulary(folder)
    return Tokenizer(Path(options["vocabulary"]), options["vocabulary_sha256"])


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Tokenizer:
    return made(tmp_path_factory.mktemp("vocabulary"))


@pytest.fixture(scope="module")
def published() -> Tokenizer:
    return Tokenizer(VOCABULARY, VOCABULARY_SHA256)


@needs_vocabulary
@needs_golden
def test_tokens_are_the_references(published: Tokenizer) -> None:
    golden = facts("models/golden_clip_tokens.json")
    ids = published(golden["texts"], truncate=True)
    assert ids.tolist() == golden["tokens_imagebind_truncating"]


@needs_vocabulary
@needs_golden
def test_tokens_of_the_parity_texts(published: Tokenizer) -> None:
    single = ["dog barking", "a photo of a playing violin, fiddle."]
    for file, texts in (
        ("clip_vitb32", [*single, "the sound of rain"]),
        ("imagebind_tiny", [*single, "the sound of rain"]),
        (
            "audioclip",
            [
                "dog barking",
                "playing violin, church bells ringing",
                "a photo of a cat",
            ],
        ),
    ):
        wanted = arrays(f"models/{file}_parity.npz")["tokens"]
        assert published(texts).tolist() == wanted.tolist(), file


def test_a_known_word_is_one_token(tokenizer: Tokenizer) -> None:
    ids = tokenizer(WORDS)
    assert ids.dtype == torch.int64
    assert ids.shape == (len(WORDS), 77)
    assert (ids[:, 0] == START).all()
    assert (ids[:, 2] == END).all()
    assert not ids[:, 3:].any()
    assert len(set(ids[:, 1].tolist())) == len(WORDS)


def test_other_words_are_bytes_and_only_their_last_ends_them(
    tokenizer: Tokenizer,
) -> None:
    ids = tokenizer(["xz", "x z"]).tolist()
    assert ids[0][1] < 256 <= ids[0][2] < 512
    assert all(256 <= id_ < 512 for id_ in ids[1][1:3])


def test_case_space_and_entities_do_not_matter(tokenizer: Tokenizer) -> None:
    ids = tokenizer(["dog & cat", "  DOG &amp;\tCat\n", "Dog &amp;amp; cat"])
    assert torch.equal(ids[0], ids[1])
    assert torch.equal(ids[0], ids[2])


@given(st.lists(st.text(max_size=40), min_size=1, max_size=4))
@settings(max_examples=50, deadline=None)
def test_any_text_begins_ends_and_is_padded(
    tokenizer: Tokenizer, texts: list[str]
) -> None:
    ids = tokenizer(texts, truncate=True)
    end = ids.argmax(1)
    for row, last in zip(ids, end.tolist(), strict=True):
        assert (row[0], row[last]) == (START, END)
        assert not row[last + 1 :].any()
        assert (row[1:last] < START).all()
    apart = [tokenizer([text], truncate=True)[0] for text in texts]
    assert torch.equal(ids, torch.stack(apart))


def test_what_is_too_long_is_refused_or_cut(tokenizer: Tokenizer) -> None:
    fits, long = " ".join(["dog"] * 75), " ".join(["dog"] * 76)
    assert torch.equal(tokenizer([fits]), tokenizer([long], truncate=True))
    with pytest.raises(UsageError, match="76 tokens"):
        tokenizer([long])


@pytest.mark.parametrize(
    "content",
    [
        b"no gzip",
        gzip.compress(b"title\none two three\n"),
        gzip.compress(b"a\n\xff\xff"),
    ],
    ids=["no gzip", "three symbols", "no utf-8"],
)
def test_a_damaged_vocabulary_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "vocabulary.txt.gz"
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=r"vocabulary\.txt\.gz"):
        Tokenizer(path, hashlib.sha256(content).hexdigest())


def test_without_the_library_the_extra_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = builtins.__import__

    def without(name: str, *rest: object) -> object:
        if name == "tokenizers":
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingExtraError, match=r"avplug\[zero-shot\]"):
        made(tmp_path)
