"""The native encoder and a training step beside PyTorch eager on one device, in turns: the last step of check.sh, whose
results it prints too.

    python3 encoder.py BENCH_PROGRAM DEVICE ROUNDS NATIVE_TESTS PARITY FAILED [REFERENCE]

REFERENCE: the folder of models.py; without it training is left out.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from encoder_reference import fill_positions, load
from training import compare_training

ROOT = Path(__file__).resolve().parents[2]
BATCHES = {"cuda": (1, 8, 32), "cpu": (1,)}
# Relative L2 distance from PyTorch in float32 up to which an embedding is the same.
NEAR = {"float32": 1e-4, "bfloat16": 5e-2, "float16": 1e-2}
PRECISIONS = {"cuda": ("float32", "bfloat16", "float16"), "cpu": ("float32",)}
WARM_UP = 2


class Native:
    """The native program: encodes once for each line that it reads."""

    def __init__(self, arguments: list[str]):
        self.process = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        if not self.process.stdout.readline():
            raise SystemExit(f"{arguments[0]} does not start")

    def run(self, output: str = "") -> float:
        self.process.stdin.write(output + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())["ms"]

    def close(self) -> None:
        self.process.stdin.close()
        self.process.wait()


def compare(program: str, device: str, rounds: int, folder: Path, spec: dict, batch: int, precision: str) -> dict:
    size = spec["architecture"]["image_size"]
    image = torch.from_numpy(np.fromfile(spec["image"], dtype=np.float32)).view(1, 3, size, size)
    images = image.repeat(batch, 1, 1, 1).to(device)
    eager = load(spec).to(device)

    def run_eager() -> tuple[float, torch.Tensor]:
        begin = time.perf_counter()
        result = eager(images).cpu()
        return (time.perf_counter() - begin) * 1000, result

    kernels = [str(spec["threads"]), "packed", precision, device, str(batch)]
    native = Native([program, spec["weights"], str(folder / "architecture.json"), spec["image"], *kernels])
    output = folder / "embedding.f32"
    native.run(str(output))
    expected = run_eager()[1]
    found = torch.from_numpy(np.fromfile(output, dtype=np.float32)).view(expected.shape)
    distance = float((found - expected).norm() / expected.norm())
    times = []
    for at in range(rounds + WARM_UP):
        pair = (native.run(), run_eager()[0])
        if at >= WARM_UP:
            times.append(pair)
    native.close()
    return {
        "batch": batch,
        "precision": precision,
        "native_ms": round(statistics.median(ours for ours, _ in times), 2),
        "eager_ms": round(statistics.median(theirs for _, theirs in times), 2),
        "speedup": round(statistics.median(theirs / ours for ours, theirs in times), 3),
        "rel_l2": distance,
        "same": distance <= NEAR[precision],
    }


def main() -> None:
    program, device, rounds, tests, parity, failed, *reference = sys.argv[1:]
    torch.set_grad_enabled(False)
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    named = json.loads((ROOT / "native" / "architectures.json").read_text())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        architecture = named["sam-med2d-vit-b"]["architecture"]
        (folder / "architecture.json").write_text(json.dumps(architecture))
        spec = {
            "architecture": architecture,
            "weights": str(folder / "base.safetensors"),
            "image": str(folder / "image.f32"),
            "threads": os.cpu_count() or 1,
        }
        torch.set_num_threads(spec["threads"])
        subprocess.run([program, "--init", str(folder / "architecture.json"), spec["weights"]], check=True)
        fill_positions(spec["weights"])
        count = 3 * architecture["image_size"] ** 2
        (np.sin(np.arange(count) * 12.9898) * 2).astype(np.float32).tofile(spec["image"])
        kind = device.split(":")[0]
        rows = [
            compare(program, device, int(rounds), folder, spec, batch, precision)
            for precision in PRECISIONS[kind]
            for batch in BATCHES[kind]
        ]
        steps = [
            compare_training(program, path, device, int(rounds), folder, spec, batch)
            for path in reference
            for batch in BATCHES[kind]
        ]
    print(
        json.dumps(
            {
                "device": torch.cuda.get_device_name() if kind == "cuda" else "cpu",
                "gpu": "checked" if kind == "cuda" else "no device",
                "torch": torch.__version__,
                "native_tests": tests,
                "parity_compared": json.loads(parity),
                "encoder": rows,
                "training": steps or None,
            }
        )
    )
    sys.exit(0 if failed == "0" and all(row["same"] for row in rows) else 1)


if __name__ == "__main__":
    main()
