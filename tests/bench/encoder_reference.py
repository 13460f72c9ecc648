"""One of the peers of `npm run bench:encoder`: the published image encoder in PyTorch, or its ONNX export in onnxruntime.

    python3 encoder_reference.py SPEC.json KIND

SPEC: architecture (base.json's, or of the MobileNet branch image_size and reference, the folder of models.py), weights (a
safetensors file), image (float32, normalised, 3 x S x S), threads.
KIND: weights (fills position tables and batch norm's statistics, which start as zeros and ones, with noise, in place), eager or
onnxruntime.

A peer prints {"name", "shape"} once it is ready. For each line that it reads it encodes the image once and prints
{"ms": ..., "cpu_ms": ...} (of all threads); a line that names a file gets the embedding written to it as float32 as well.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from sam_reference import Encoder

PREFIX = "image_encoder."
BRANCH = "features."
RENAMED = {"patch_embed.proj.": "patch.", ".Adapter.": ".adapter.", ".mlp.lin1.": ".mlp.0.", ".mlp.lin2.": ".mlp.2."}


def tensors(path: str, mode: str) -> dict[str, np.ndarray]:
    """Views of the tensors of the encoder, or of the branch, in a safetensors file."""
    data = np.memmap(path, dtype=np.uint8, mode=mode)
    size = int.from_bytes(data[:8].tobytes(), "little")
    header = json.loads(data[8 : 8 + size].tobytes())
    views = {}
    for name, entry in header.items():
        if not name.startswith((PREFIX, BRANCH)):
            continue
        begin, end = (8 + size + at for at in entry["data_offsets"])
        if entry["dtype"] != "F32":
            continue
        views[name.removeprefix(PREFIX)] = data[begin:end].view(np.float32).reshape(entry["shape"])
    return views


def fill_positions(path: str) -> None:
    generator = np.random.default_rng(1)
    for name, view in tensors(path, "r+").items():
        if name.endswith(("pos_embed", "rel_pos_h", "rel_pos_w")):
            view[...] = generator.normal(0, 0.02 if name == "pos_embed" else 0.2, view.shape)
        if name.endswith("running_mean"):
            view[...] = generator.normal(0, 0.2, view.shape)
        if name.endswith("running_var"):
            view[...] = generator.uniform(0.5, 2, view.shape)


def network(architecture: dict) -> torch.nn.Module:
    if "reference" not in architecture:
        return Encoder(architecture)
    sys.path.insert(0, architecture["reference"])
    import models  # the paper's own blocks

    return models.MobileNetV3("improved")


def load(spec: dict) -> torch.nn.Module:
    encoder = network(spec["architecture"]).eval().requires_grad_(False)
    # Counts of batches are no floats, and inference has no use for them.
    state = {name: value for name, value in encoder.state_dict().items() if name.endswith("num_batches_tracked")}
    for name, view in tensors(spec["weights"], "r").items():
        for published, ours in RENAMED.items():
            name = name.replace(published, ours)
        state[name] = torch.from_numpy(np.array(view))
    encoder.load_state_dict(state)
    return encoder


def eager(spec: dict, _image: torch.Tensor):
    encoder = load(spec)
    return lambda image: encoder(image).numpy()


def onnx(spec: dict, image: torch.Tensor):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = spec["threads"]
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "encoder.onnx")
        torch.onnx.export(load(spec), (image,), path, dynamo=True, external_data=True, verbose=False)
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda image: session.run(None, {name: image.numpy()})[0]


# What makes an encoder of images of the shape of the given one.
KINDS = {"eager": eager, "onnxruntime": onnx}


def main() -> None:
    with open(sys.argv[1], encoding="utf-8") as file:
        spec = json.load(file)
    kind = sys.argv[2]
    if kind == "weights":
        fill_positions(spec["weights"])
        return
    answers = sys.stdout
    sys.stdout = sys.stderr  # exporters chat
    torch.set_num_threads(spec["threads"])
    torch.set_grad_enabled(False)
    size = spec["architecture"]["image_size"]
    image = torch.from_numpy(np.fromfile(spec["image"], dtype=np.float32)).view(1, 3, size, size)
    encode = KINDS[kind](spec, image)
    print(json.dumps({"name": kind, "shape": list(encode(image).shape)}), file=answers, flush=True)
    for line in sys.stdin:
        started, cpu = time.perf_counter(), time.process_time()
        result = encode(image)
        took = {"ms": (time.perf_counter() - started) * 1000, "cpu_ms": (time.process_time() - cpu) * 1000}
        if line.strip():
            np.ascontiguousarray(result, dtype=np.float32).tofile(line.strip())
        print(json.dumps(took), file=answers, flush=True)


if __name__ == "__main__":
    main()
