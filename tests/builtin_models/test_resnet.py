from __future__ import annotations

import pytest
import torch

from avplug.builtin_models.resnet import (
    CLIP_RESNET50,
    RESNET18,
    RESNEXT50,
    Bottleneck,
    CLIPResNet,
    Layout,
    ResNet,
    batch_norm_parameters,
)
from avplug.core.errors import UsageError

SMALL = Layout((1, 2, 1, 1), width=8)


def size_of(module: torch.nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


@pytest.mark.parametrize(
    ("layout", "channels", "parameters"),
    [(RESNET18, 512, 11_176_512), (RESNEXT50, 2048, 22_979_904)],
)
def test_published_sizes(layout: Layout, channels: int, parameters: int) -> None:
    with torch.device("meta"):
        net = ResNet(layout)
        assert net(torch.empty(1, 3, 224, 224)).shape == (1, channels, 7, 7)
    assert size_of(net) == parameters


def test_clips_own_size() -> None:
    with torch.device("meta"):
        net = CLIPResNet()
        assert net(torch.empty(2, 3, 224, 224)).shape == (2, 1024)
    assert size_of(net) == 38_316_896
    assert len(batch_norm_parameters(net)) == 2 * 55
    assert net.attnpool.heads == 32


@pytest.mark.parametrize("height", [1, 32, 33, 65])
def test_sides_are_rounded_up(height: int) -> None:
    maps = ResNet(SMALL, inputs=1)(torch.rand(2, 1, height, 64))
    assert maps.shape == (2, 64, -(-height // 32), 2)


def test_a_stride_is_in_the_3x3_or_a_pooling_after_it() -> None:
    plain = Bottleneck(64, 32, 2, RESNEXT50)
    pooled = Bottleneck(64, 32, 2, CLIP_RESNET50)
    assert plain.conv2.stride == (2, 2)
    assert plain.downsample[0].stride == (2, 2)
    assert pooled.conv2.stride == (1, 1)
    assert pooled.downsample[0].stride == (1, 1)
    picture = torch.rand(1, 64, 8, 8)
    assert plain(picture).shape == pooled(picture).shape == (1, 128, 4, 4)
    # Pooling sees every place: strides of 1x1 convolutions see one in four.
    moved = picture.clone()
    moved[..., 1, 1] += 1
    assert not torch.equal(
        pooled.downsample(pooled.pool(moved)), pooled.downsample(pooled.pool(picture))
    )
    assert torch.equal(plain.downsample(moved), plain.downsample(picture))


def test_attention_pooling_weighs_places_by_their_likeness_to_the_mean() -> None:
    torch.manual_seed(0)
    pool = CLIPResNet(Layout((1, 1, 1, 1), 16, 4, antialiased=True), 64).attnpool
    maps = torch.rand(2, 512, 2, 2)
    torch.nn.init.zeros_(pool.q_proj.weight)
    torch.nn.init.zeros_(pool.q_proj.bias)
    tokens = maps.flatten(2).transpose(1, 2)
    tokens = torch.cat([tokens.mean(1, keepdim=True), tokens], 1)
    mean = (tokens + pool.positional_embedding).mean(1)
    torch.testing.assert_close(pool(maps), pool.c_proj(pool.v_proj(mean)))


def test_start_weights_keep_the_gradients_variance() -> None:
    torch.manual_seed(0)
    weight = ResNet().layer3[1].conv1.weight
    assert weight.std().item() == pytest.approx((2 / (256 * 9)) ** 0.5, rel=0.02)


def test_batch_norms_are_named() -> None:
    net = ResNet(SMALL)
    named = batch_norm_parameters(net)
    assert list(named)[:2] == ["bn1.weight", "bn1.bias"]
    assert "layer2.0.downsample.1.weight" in named
    assert dict(net.named_parameters()).items() >= named.items()


def test_there_are_four_stages() -> None:
    with pytest.raises(UsageError, match=r"four stages, not depths \[2, 2\]"):
        Layout((2, 2))
