#!/usr/bin/env bash
# Antialiased bilinear resizing of PyTorch 2.13.0 (CPU, float32) gives wrong rows where the result has one column: a plane of one
# column fits two memory formats, and the second pass reads it by the strides of the other. Valid input: 1 x 1 x 8 x 2, a ramp of
# 0 to 7 down the rows, resized to 4 x 1. Seen: the same value in each row, without an error; to 4 x 2, and turned to 1 x 4,
# it is the ramp. 8 bit images are right. Fails when that changes. Slivers that are scaled by their longer side (SAM) become
# one column.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
install() { python3 -m pip install --quiet --target "$folder" numpy==2.4.6 "$1"; }
install torch==2.13.0+cpu 2>"$folder/log" || install torch==2.13.0
cat >"$folder/run.py" <<'PY'
import sys
import torch
import torch.nn.functional as F

ramp = torch.arange(8.0).view(1, 1, 8, 1).expand(1, 1, 8, 2).contiguous()


def resized(x, height, width):
    return F.interpolate(x, (height, width), mode="bilinear", antialias=True)


column = resized(ramp, 4, 1)[0, 0, :, 0].tolist()
wide = resized(ramp, 4, 2)[0, 0, :, 0].tolist()
row = resized(ramp.transpose(2, 3).contiguous(), 1, 4)[0, 0, 0].tolist()
print("one column", column, "two columns", wide, "one row", row)
right = all(abs(a - b) < 1e-5 for a, b in zip(wide, row)) and wide == sorted(wide) and wide[0] < wide[-1]
sys.exit(0 if right and any(abs(a - b) > 0.5 for a, b in zip(column, wide)) else 1)
PY
PYTHONPATH="$folder" python3 "$folder/run.py"
