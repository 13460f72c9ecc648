"""Loads an exported classification head into the executable specification and compares its logits with native code's.

usage: classify.py REFERENCE_FOLDER HEAD.safetensors RECORD.safetensors HEAD_ARCHITECTURE_JSON
"""

import json
import struct
import sys

import torch

DTYPES = {"F32": torch.float32, "I64": torch.int64}


def load(path):
    """What safetensors.torch.load_file does, so that torch is all that must be installed."""
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
        data = bytearray(file.read())
    header.pop("__metadata__", None)
    tensors = {}
    for name, info in header.items():
        begin, end = info["data_offsets"]
        flat = torch.frombuffer(data[begin:end], dtype=DTYPES[info["dtype"]])
        tensors[name] = flat.reshape(info["shape"])
    return tensors


class SamMedCls(torch.nn.Module):
    def __init__(self, models, architecture, channels):
        super().__init__()
        mobilenet = architecture["mobilenet"]
        self.backbone = models.MobileNetV3(mobilenet["se"], mobilenet["width"])
        self.head = models.MedClsHead(
            architecture["classes"], self.backbone.out_channels, channels, architecture["attention"]
        )

    def forward(self, image, embedding):
        return self.head(embedding, self.backbone(image))


def main():
    reference, weights, record, architecture = sys.argv[1:]
    sys.path.insert(0, reference)
    sys.dont_write_bytecode = True
    import models

    recorded = load(record)
    module = SamMedCls(models, json.loads(architecture), recorded["embedding"].shape[1])
    module.load_state_dict(load(weights), strict=True)
    module.eval()
    with torch.no_grad():
        logits = module(recorded["image"], recorded["embedding"])
    difference = (logits - recorded["logits"]).abs().max().item()
    print(json.dumps({"difference": difference, "magnitude": logits.abs().max().item()}))


main()
