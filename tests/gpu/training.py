"""A training step of the paper's SAM-AutoMed recipe, native beside PyTorch eager on one device, in turns."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from pathlib import Path

BENCH = Path(__file__).resolve().parents[1] / "bench"
WARM_UP = 2


class Loop:
    """A program that takes a step for each line that it reads, and answers with a line of JSON."""

    def __init__(self, arguments: list[str], greets: bool):
        self.process = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        if greets and not self.process.stdout.readline():
            raise SystemExit(f"{arguments[0]} does not start")

    def step(self) -> dict:
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def close(self) -> None:
        self.process.kill()
        self.process.wait()


def compare_training(
    program: str, reference: str, device: str, rounds: int, folder: Path, spec: dict, batch: int
) -> dict:
    """Milliseconds of a step, the encoder frozen and its embeddings not kept. `reference`: the folder of models.py."""
    loop_spec = folder / "training.json"
    changes = {"reference": reference, "device": device, "images": batch, "batch": batch, "learning_rate": 1e-4}
    loop_spec.write_text(json.dumps({**spec, **changes, "epochs": rounds + WARM_UP}))
    weights, architecture = spec["weights"], str(folder / "architecture.json")
    native = Loop([program, "--train", weights, architecture, str(spec["threads"]), device, str(batch)], greets=True)
    eager = Loop([sys.executable, str(BENCH / "training_reference.py"), str(loop_spec)], greets=False)
    times = [(native.step()["ms"], eager.step()["seconds"] * 1000) for _ in range(rounds + WARM_UP)][WARM_UP:]
    native.close()
    eager.close()
    return {
        "batch": batch,
        "native_ms": round(statistics.median(ours for ours, _ in times), 2),
        "eager_ms": round(statistics.median(theirs for _, theirs in times), 2),
        "speedup": round(statistics.median(theirs / ours for ours, theirs in times), 3),
    }
