"""A gRPC server as people write it around SAM's image encoder in Python: what `npm run bench:service` runs beside the services.

    python3 peer.py SPEC.json KIND

SPEC: architecture and weights of a base, threads. KIND: eager (PyTorch) or onnxruntime.
Prints {"address"} once it answers. `Encode` takes a PNG or JPEG of the encoder's size and answers the embedding as float32 when the
metadata `embedding` asks for it, else its mean.
"""

from __future__ import annotations

import io
import json
import sys
import threading
from concurrent import futures
from pathlib import Path

import grpc
import numpy as np
import torch
from PIL import Image

sys.path.insert(0, str(Path(__file__).parent.parent))
from encoder_reference import KINDS  # noqa: E402

# SAM's, on the 0-255 scale.
MEAN, DEVIATION = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)


def prepared(encoded: bytes) -> torch.Tensor:
    pixels = np.asarray(Image.open(io.BytesIO(encoded)).convert("RGB"), dtype=np.float32)
    normalised = (pixels - np.float32(MEAN)) / np.float32(DEVIATION)
    return torch.from_numpy(normalised.transpose(2, 0, 1)[None].copy())


def main() -> None:
    with open(sys.argv[1], encoding="utf-8") as file:
        spec = json.load(file)
    answers, sys.stdout = sys.stdout, sys.stderr  # exporters chat
    torch.set_num_threads(spec["threads"])
    torch.set_grad_enabled(False)
    size = spec["architecture"]["image_size"]
    encode = KINDS[sys.argv[2]](spec, torch.zeros(1, 3, size, size))
    one = threading.Lock()  # a second pass at once would take the threads of the first

    def answer(encoded: bytes, context: grpc.ServicerContext) -> bytes:
        torch.set_grad_enabled(False)  # of each thread
        image = prepared(encoded)
        with one:
            embedding = encode(image)
        wanted = any(key == "embedding" for key, _ in context.invocation_metadata())
        return embedding.astype(np.float32).tobytes() if wanted else np.float32(embedding.mean()).tobytes()

    server = grpc.server(futures.ThreadPoolExecutor(max_workers=16))
    method = grpc.unary_unary_rpc_method_handler(answer)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("peer.Encoder", {"Encode": method}),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(json.dumps({"address": f"127.0.0.1:{port}"}), file=answers, flush=True)
    sys.stdin.read()  # until whoever started this is gone


main()
