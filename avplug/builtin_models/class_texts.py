"""From the names of classes to a vector for each, by way of their prompts."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch.nn import functional as F

from avplug.builtin_models.prompts import prompts_of
from avplug.builtin_models.text_cache import cached, hash_tensors, text_folder
from avplug.builtin_models.tokenizer import Tokenizer
from avplug.builtin_models.zero_shot_config import ZeroShotConfig
from avplug.core.errors import WeightsError
from avplug.core.weights import locate

#: Texts that are encoded together.
CHUNK = 64


def read_classes(
    labels: tuple[str, ...],
    options: ZeroShotConfig,
    embed: Callable[[torch.Tensor], torch.Tensor],
    *,
    truncate: bool,
    facts: Iterable[str],
    device: torch.device,
) -> torch.Tensor:
    """Return a unit vector for each class, [C, D], the mean over its prompts.

    Args:
        labels: Names of the classes.
        options: Templates, synonyms and vocabulary.
        embed: Returns vectors [K, D] of ids int64 [K, 77]; not asked for texts whose
            vectors are on disk.
        truncate: Whether texts of more than 77 tokens are cut; an error if not.
        facts: All that the vectors of given ids depend on.
        device: Where ids go and vectors come from.

    Raises:
        WeightsError: The vocabulary cannot be had.
        MissingExtraError: ``tokenizers`` is not installed.
    """
    prompts = prompts_of(labels, options.templates, options.synonyms)
    flat = [text for texts in prompts for text in texts]
    tokens = _tokenizer(options)(flat, truncate=truncate)
    vectors = cached(
        text_folder(),
        (*facts, hash_tensors([("tokens", tokens)])),
        lambda: _in_chunks(embed, tokens.to(device)),
    ).to(device)
    groups = torch.split(F.normalize(vectors, dim=-1), [len(t) for t in prompts])
    return F.normalize(torch.stack([group.mean(0) for group in groups]), dim=-1)


def _tokenizer(options: ZeroShotConfig) -> Tokenizer:
    try:
        vocabulary = locate(options.vocabulary)
    except WeightsError as error:
        raise WeightsError(
            f"The tokeniser's vocabulary cannot be had. {error.message}",
            "Give the file with -o model.vocabulary=FILE.",
        ) from error
    return Tokenizer(vocabulary, options.vocabulary_sha256)


def _in_chunks(
    embed: Callable[[torch.Tensor], torch.Tensor], tokens: torch.Tensor
) -> torch.Tensor:
    with torch.autocast(tokens.device.type, enabled=False):
        return torch.cat([embed(part) for part in torch.split(tokens, CHUNK)])
