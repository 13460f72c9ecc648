"""SAM's image encoder with SAM-Med2D's adapters in plain PyTorch, as published: what the native one is measured against."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class LayerNorm2d(nn.Module):
    def __init__(self, channels: int):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        mean = x.mean(1, keepdim=True)
        variance = (x - mean).pow(2).mean(1, keepdim=True)
        x = (x - mean) / torch.sqrt(variance + 1e-6)
        return self.weight[:, None, None] * x + self.bias[:, None, None]


def relative(table: Tensor, size: int) -> Tensor:
    """Rows of a relative position table [2 * size - 1, d] -> [size, size, d]."""
    at = torch.arange(size)
    return table[at[:, None] - at[None, :] + size - 1]


class Attention(nn.Module):
    """Multi-head attention over a grid with decomposed relative positions; windows are padded to their full size."""

    def __init__(self, width: int, heads: int, size: int):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)
        self.rel_pos_h = nn.Parameter(torch.randn(2 * size - 1, width // heads) * 0.02)
        self.rel_pos_w = nn.Parameter(torch.randn(2 * size - 1, width // heads) * 0.02)

    def forward(self, x: Tensor) -> Tensor:
        batch, height, width, _ = x.shape
        qkv = self.qkv(x).reshape(batch, height * width, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        q, k, v = qkv.reshape(3, batch * self.heads, height * width, -1).unbind(0)
        scores = (q * q.shape[-1] ** -0.5) @ k.transpose(-2, -1)
        grid = q.reshape(batch * self.heads, height, width, -1)
        rows = torch.einsum("bhwc,hkc->bhwk", grid, relative(self.rel_pos_h, height))
        columns = torch.einsum("bhwc,wkc->bhwk", grid, relative(self.rel_pos_w, width))
        scores = scores.view(-1, height, width, height, width) + rows[..., None] + columns[..., None, :]
        scores = scores.view(-1, height * width, height * width).softmax(dim=-1)
        out = (scores @ v).view(batch, self.heads, height, width, -1).permute(0, 2, 3, 1, 4)
        return self.proj(out.reshape(batch, height, width, -1))


class Adapter(nn.Module):
    """SAM-Med2D's, parallel to the MLP."""

    def __init__(self, width: int):
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.channel = nn.Sequential(
            nn.Linear(width, width // 4, bias=False), nn.ReLU(), nn.Linear(width // 4, width, bias=False), nn.Sigmoid()
        )
        self.spatial = nn.Sequential(
            nn.Conv2d(width, width, 3, 2, 1, bias=False),
            nn.ReLU(),
            nn.ConvTranspose2d(width, width, 4, 2, 1, bias=False),
            nn.ReLU(),
        )

    def forward(self, x: Tensor) -> Tensor:
        x = x.permute(0, 3, 1, 2)
        gate = self.channel(F.adaptive_avg_pool2d(x, 1).flatten(1))
        return self.norm((x + self.spatial(gate[..., None, None] * x)).permute(0, 2, 3, 1))


class Block(nn.Module):
    def __init__(self, width: int, heads: int, window: int, grid: int, adapter: bool):
        super().__init__()
        self.window = window
        self.norm1 = nn.LayerNorm(width, eps=1e-6)
        self.attn = Attention(width, heads, window or grid)
        self.norm2 = nn.LayerNorm(width, eps=1e-6)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))
        self.adapter = Adapter(width) if adapter else None

    def attend(self, x: Tensor) -> Tensor:
        if not self.window:
            return self.attn(x)
        batch, height, width, channels = x.shape
        w = self.window
        x = F.pad(x, (0, 0, 0, -width % w, 0, -height % w))
        down, across = x.shape[1] // w, x.shape[2] // w
        x = x.view(batch, down, w, across, w, channels).permute(0, 1, 3, 2, 4, 5).reshape(-1, w, w, channels)
        x = self.attn(x).view(batch, down, across, w, w, channels).permute(0, 1, 3, 2, 4, 5)
        return x.reshape(batch, down * w, across * w, channels)[:, :height, :width]

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attend(self.norm1(x))
        normed = self.norm2(x)
        y = x + self.mlp(normed)
        return y + self.adapter(normed) if self.adapter else y


class Encoder(nn.Module):
    def __init__(self, a: dict):
        super().__init__()
        grid, width, out = a["image_size"] // a["patch_size"], a["embed_dim"], a["out_channels"]
        self.patch = nn.Conv2d(3, width, a["patch_size"], a["patch_size"])
        self.pos_embed = nn.Parameter(torch.randn(1, grid, grid, width) * 0.02)
        self.blocks = nn.ModuleList(
            Block(width, a["heads"], 0 if i in a["global_blocks"] else a["window_size"], grid, a["adapter"])
            for i in range(a["depth"])
        )
        self.neck = nn.Sequential(
            nn.Conv2d(width, out, 1, bias=False),
            LayerNorm2d(out),
            nn.Conv2d(out, out, 3, padding=1, bias=False),
            LayerNorm2d(out),
        )

    def forward(self, image: Tensor) -> Tensor:
        x = self.patch(image).permute(0, 2, 3, 1) + self.pos_embed
        for block in self.blocks:
            x = block(x)
        return self.neck(x.permute(0, 3, 1, 2))
