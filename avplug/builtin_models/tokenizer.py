"""CLIP's tokeniser: byte-level BPE, with the vocabulary read from a file.

The merging itself is done by Hugging Face's ``tokenizers``. The vocabulary is OpenAI's
and does not come with avplug; its file is a gzipped list with a title in the first
line and one merge, two symbols, in each line after it.
"""

from __future__ import annotations

import gzip
import hashlib
import html
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from avplug.core.errors import MissingExtraError, UsageError, WeightsError

if TYPE_CHECKING:
    import tokenizers

#: Ids of a text, the start's and the end's included.
CONTEXT = 77
#: Merges that CLIP uses of the published file; what follows them is left out.
MERGES = 48_894
START, END = "<|startoftext|>", "<|endoftext|>"
_END_OF_WORD = "</w>"
_WORDS = r"'s|'t|'re|'ve|'m|'ll|'d|\p{L}+|\p{N}|[^\s\p{L}\p{N}]+"


class Tokenizer:
    """Turns texts into the ids that CLIP's text encoders read.

    Ids are 256 bytes, 256 bytes at the end of a word, the merges in their order, then
    start and end, which is the largest.

    Args:
        path: The vocabulary, ``bpe_simple_vocab_16e6.txt.gz``.
        sha256: Of the file, hexadecimal; another content is refused.

    Raises:
        WeightsError: The file is damaged, or not the one expected.
        MissingExtraError: ``tokenizers`` is not installed.
    """

    def __init__(self, path: Path, sha256: str) -> None:
        data = path.read_bytes()
        found = hashlib.sha256(data).hexdigest()
        if found != sha256:
            raise WeightsError(
                f"Vocabulary '{path}' has sha256 {found}, not {sha256}.",
                "Fetch it again; of a vocabulary of your own state the option"
                " vocabulary_sha256.",
            )
        self._bpe, self.size = _byte_level_bpe(_merges(path, data))

    def __call__(self, texts: Sequence[str], *, truncate: bool = False) -> torch.Tensor:
        """Return ids int64 [len(texts), 77]: start, the text's, end, then zeros.

        Args:
            texts: Any strings; HTML entities are unescaped, case and white space do
                not matter.
            truncate: Cut a text that is too long before its end.

        Raises:
            UsageError: A text is too long, and ``truncate`` is off.
        """
        ids = torch.zeros(len(texts), CONTEXT, dtype=torch.int64)
        plain = [html.unescape(html.unescape(text)) for text in texts]
        encodings = self._bpe.encode_batch(plain, add_special_tokens=False)
        for row, text, encoding in zip(ids, texts, encodings, strict=True):
            kept = encoding.ids[: CONTEXT - 2]
            if len(kept) < len(encoding.ids) and not truncate:
                raise UsageError(
                    f"Text {text[:40]!r}... has {len(encoding.ids)} tokens; the text"
                    f" encoder reads {CONTEXT - 2}.",
                    "Shorten the template or the names of the classes.",
                )
            whole = [self.size - 2, *kept, self.size - 1]
            row[: len(whole)] = torch.tensor(whole)
        return ids


def _merges(path: Path, data: bytes) -> list[tuple[str, str]]:
    try:
        lines = gzip.decompress(data).decode("utf-8").split("\n")
        pairs = [line.split(" ") for line in lines[1 : MERGES + 1] if line]
        return [(left, right) for left, right in pairs]
    except (OSError, EOFError, ValueError) as error:
        raise WeightsError(f"'{path}' is no vocabulary of CLIP: {error}") from error


def _byte_level_bpe(
    merges: list[tuple[str, str]],
) -> tuple[tokenizers.Tokenizer, int]:
    try:
        from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers
    except ImportError as error:
        raise MissingExtraError(
            "Text prompts need tokenizers.",
            'Install it with: pip install "avplug[zero-shot]"',
        ) from error
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    symbols = [
        *alphabet,
        *(symbol + _END_OF_WORD for symbol in alphabet),
        *(left + right for left, right in merges),
        START,
        END,
    ]
    ids = {symbol: i for i, symbol in enumerate(symbols)}
    bpe = Tokenizer(models.BPE(ids, merges, end_of_word_suffix=_END_OF_WORD))
    bpe.normalizer = normalizers.Sequence(
        [
            normalizers.NFC(),
            normalizers.Replace(Regex(r"\s+"), " "),
            normalizers.Lowercase(),
        ]
    )
    bpe.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_WORDS), "removed", invert=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    return bpe, len(symbols)
