"""Models of a hundred thousand random values, for tests; never a result."""

from __future__ import annotations

from typing import Any

import torch
from tokenizers import Tokenizer, decoders, pre_tokenizers
from tokenizers.models import BPE
from transformers import (
    PreTrainedTokenizerFast,
    Qwen2_5OmniThinkerConfig,
    Qwen2_5OmniThinkerForConditionalGeneration,
    VideoLlama3Config,
    VideoLlama3ForConditionalGeneration,
)

#: Of Qwen2.5-Omni, in the order of their ids, which follow the 256 bytes.
OMNI = (
    *("<|endoftext|>", "<|im_start|>", "<|im_end|>"),
    *("<|AUDIO|>", "<|IMAGE|>", "<|VIDEO|>"),
    *("<|audio_bos|>", "<|audio_eos|>", "<|vision_bos|>", "<|vision_eos|>"),
)
#: Of VideoLLaMA 3.
VIDEO = (*OMNI[:3], "<|image_pad|>", "<|video_pad|>")


def make_tokenizer(signs: tuple[str, ...] = OMNI) -> PreTrainedTokenizerFast:
    """Return a tokeniser of bytes, and of a model's signs."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {character: index for index, character in enumerate(alphabet)}
    plain = Tokenizer(BPE(vocab=vocabulary, merges=[]))
    plain.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    plain.decoder = decoders.ByteLevel()
    plain.add_special_tokens(list(signs))
    return PreTrainedTokenizerFast(
        tokenizer_object=plain, eos_token="<|im_end|>", pad_token="<|endoftext|>"
    )


def make_videollama3() -> VideoLlama3ForConditionalGeneration:
    """Return a VideoLLaMA 3, the same each time; torch's generator is left alone."""
    config = VideoLlama3Config(
        vision_config={
            "hidden_size": 32,
            "intermediate_size": 32,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "patch_size": 14,
            "initializer_range": 0.3,
        },
        text_config={
            "model_type": "qwen2",
            "vocab_size": 256 + len(VIDEO),
            "hidden_size": 32,
            "intermediate_size": 64,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "num_key_value_heads": 1,
            "max_position_embeddings": 8192,
            "initializer_range": 0.3,
        },
        image_token_id=256 + VIDEO.index("<|image_pad|>"),
        video_token_id=256 + VIDEO.index("<|video_pad|>"),
        initializer_range=0.3,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return VideoLlama3ForConditionalGeneration(config)


def make_omni() -> Qwen2_5OmniThinkerForConditionalGeneration:
    """Return a Qwen2.5-Omni, the same each time; torch's generator is left alone."""
    ids: dict[str, Any] = {token: 256 + place for place, token in enumerate(OMNI)}
    config = Qwen2_5OmniThinkerConfig(
        audio_config={
            "num_mel_bins": 128,
            "encoder_layers": 1,
            "encoder_attention_heads": 2,
            "encoder_ffn_dim": 32,
            "d_model": 32,
            "n_window": 100,
            "output_dim": 32,
        },
        vision_config={
            "depth": 1,
            "hidden_size": 32,
            "intermediate_size": 32,
            "num_heads": 2,
            "window_size": 56,
            "out_hidden_size": 32,
            "fullatt_block_indexes": [0],
        },
        text_config={
            "vocab_size": 256 + len(OMNI),
            "hidden_size": 32,
            "intermediate_size": 64,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "num_key_value_heads": 1,
            "max_position_embeddings": 8192,
            "rope_parameters": {
                "rope_type": "default",
                "mrope_section": [2, 3, 3],
                "rope_theta": 10_000.0,
            },
            # Random embeddings of the usual size say the same about every clip.
            "initializer_range": 0.3,
            "pad_token_id": ids["<|endoftext|>"],
            "bos_token_id": ids["<|im_start|>"],
            "eos_token_id": ids["<|im_end|>"],
        },
        initializer_range=0.3,
        audio_token_index=ids["<|AUDIO|>"],
        image_token_index=ids["<|IMAGE|>"],
        video_token_index=ids["<|VIDEO|>"],
        audio_start_token_id=ids["<|audio_bos|>"],
        audio_end_token_id=ids["<|audio_eos|>"],
        vision_start_token_id=ids["<|vision_bos|>"],
        vision_end_token_id=ids["<|vision_eos|>"],
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return Qwen2_5OmniThinkerForConditionalGeneration(config)
