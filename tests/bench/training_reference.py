"""The training loop of the paper's SAM-AutoMed recipe in plain PyTorch, to be measured beside the native one.

The encoder (sam_reference.py) and the mask decoder are written as published (SAM, SAM-Med2D); what the paper adds comes
from the reference's models.py. Random weights: only the time counts.

    python3 training_reference.py SPEC.json

For each line that it reads it trains one epoch and prints {"seconds": ..., "loss": ...}.

SPEC: reference (folder of models.py), threads, images, batch, epochs, learning_rate, architecture (base.json's), device
(default cpu).
"""

from __future__ import annotations

import json
import math
import sys
import time

import torch
import torch.nn.functional as F
from sam_reference import Encoder, LayerNorm2d
from torch import Tensor, nn


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
    torch.set_default_device(spec.get("device", "cpu"))
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
