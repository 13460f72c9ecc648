"""The training loop of the paper's SAM-AutoMed recipe in plain PyTorch, to be measured beside the native one.

The encoder and the mask decoder are written here as published (SAM, SAM-Med2D); what the paper adds comes from the
reference's models.py. Random weights: only the time counts.

    python3 training_reference.py SPEC.json

For each line that it reads it trains one epoch and prints {"seconds": ..., "loss": ...}.

SPEC: reference (folder of models.py), threads, images, batch, epochs, learning_rate, architecture (base.json's).
"""

from __future__ import annotations

import json
import math
import sys
import time

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


class DecoderAttention(nn.Module):
    def __init__(self, width: int, heads: int, downsample: int = 1):
        super().__init__()
        self.heads = heads
        inner = width // downsample
        self.q, self.k, self.v = (nn.Linear(width, inner) for _ in range(3))
        self.out = nn.Linear(inner, width)

    def forward(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        q, k, v = (
            p(x).unflatten(-1, (self.heads, -1)).transpose(1, 2) for p, x in ((self.q, q), (self.k, k), (self.v, v))
        )
        scores = (q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1])).softmax(-1)
        return self.out((scores @ v).transpose(1, 2).flatten(2))


class TwoWayBlock(nn.Module):
    def __init__(self, width: int, heads: int, hidden: int, first: bool):
        super().__init__()
        self.first = first
        self.self_attn = DecoderAttention(width, heads)
        self.to_image = DecoderAttention(width, heads, 2)
        self.to_tokens = DecoderAttention(width, heads, 2)
        self.mlp = nn.Sequential(nn.Linear(width, hidden), nn.ReLU(), nn.Linear(hidden, width))
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(4))

    def forward(self, tokens: Tensor, image: Tensor, token_pe: Tensor, image_pe: Tensor) -> tuple[Tensor, Tensor]:
        if self.first:
            tokens = self.self_attn(tokens, tokens, tokens)
        else:
            q = tokens + token_pe
            tokens = tokens + self.self_attn(q, q, tokens)
        tokens = self.norms[0](tokens)
        tokens = self.norms[1](tokens + self.to_image(tokens + token_pe, image + image_pe, image))
        tokens = self.norms[2](tokens + self.mlp(tokens))
        image = self.norms[3](image + self.to_tokens(image + image_pe, tokens + token_pe, tokens))
        return tokens, image


class MaskDecoder(nn.Module):
    """SAM's, asked for one mask; it computes all of them and takes the first, as published."""

    def __init__(self, width: int, d: dict):
        super().__init__()
        self.masks = d["multimask_outputs"] + 1
        self.iou_token = nn.Embedding(1, width)
        self.mask_tokens = nn.Embedding(self.masks, width)
        self.layers = nn.ModuleList(TwoWayBlock(width, d["heads"], d["mlp_dim"], i == 0) for i in range(d["depth"]))
        self.final = DecoderAttention(width, d["heads"], 2)
        self.norm = nn.LayerNorm(width)
        self.upscale = nn.Sequential(
            nn.ConvTranspose2d(width, width // 4, 2, 2),
            LayerNorm2d(width // 4),
            nn.GELU(),
            nn.ConvTranspose2d(width // 4, width // 8, 2, 2),
            nn.GELU(),
        )
        self.hyper = nn.ModuleList(self.mlp(width, width, width // 8) for _ in range(self.masks))
        self.iou = self.mlp(width, d["iou_hidden"], self.masks)

    @staticmethod
    def mlp(width: int, hidden: int, out: int) -> nn.Module:
        return nn.Sequential(
            nn.Linear(width, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, out)
        )

    def forward(self, embedding: Tensor, image_pe: Tensor, prompts: Tensor, no_mask: Tensor) -> Tensor:
        batch, channels, height, width = embedding.shape
        own = torch.cat([self.iou_token.weight, self.mask_tokens.weight])
        tokens = point_pe = torch.cat([own.expand(batch, -1, -1), prompts], dim=1)
        image = (embedding + no_mask).flatten(2).transpose(1, 2)
        pe = image_pe.expand(batch, -1, -1, -1).flatten(2).transpose(1, 2)
        for layer in self.layers:
            tokens, image = layer(tokens, image, point_pe, pe)
        tokens = self.norm(tokens + self.final(tokens + point_pe, image + pe, image))
        upscaled = self.upscale(image.transpose(1, 2).reshape(batch, channels, height, width))
        weights = torch.stack([mlp(tokens[:, 1 + i]) for i, mlp in enumerate(self.hyper)], dim=1)
        masks = (weights @ upscaled.flatten(2)).view(batch, self.masks, *upscaled.shape[-2:])
        self.iou(tokens[:, 0])
        return masks[:, :1]


def main() -> None:
    with open(sys.argv[1], encoding="utf-8") as file:
        spec = json.load(file)
    sys.path.insert(0, spec["reference"])
    import models  # the paper's own blocks

    torch.set_num_threads(spec["threads"])
    torch.manual_seed(1)
    a = spec["architecture"]
    size, channels = a["image_size"], a["out_channels"]
    encoder = Encoder(a).eval().requires_grad_(False)
    prompt = models.ImagePrompt(models.MobileNetV3("improved"), channels).train()
    decoder = MaskDecoder(channels, a["decoder"]).train()
    gaussian = torch.randn(2, channels // 2)
    grid = size // a["patch_size"]
    image_pe, no_mask = models.grid_encoding(gaussian, grid, grid), torch.randn(1, channels, 1, 1)
    optimizer = torch.optim.Adam([*prompt.parameters(), *decoder.parameters()], lr=spec["learning_rate"])

    images = torch.randn(spec["images"], 3, size, size)
    masks = torch.zeros(spec["images"], 1, size, size)
    masks[:, :, size // 4 : size // 2, size // 3 : size // 2] = 1
    for _ in range(spec["epochs"]):
        sys.stdin.readline()  # the other loops take their turns
        started = time.perf_counter()
        total = 0.0
        for at in torch.randperm(spec["images"]).split(spec["batch"]):
            image, target = images[at], masks[at]
            with torch.no_grad():
                embedding = encoder(image)
            low_res = decoder(embedding, image_pe, prompt(image, gaussian), no_mask)
            logits = F.interpolate(low_res, (size, size), mode="bilinear", align_corners=False)
            loss = models.segmentation_loss(logits, target)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(at)
        seconds = time.perf_counter() - started
        print(json.dumps({"seconds": seconds, "loss": total / spec["images"]}), flush=True)


main()
