#!/bin/bash
# Checks and times the native code on a machine with a GPU, from a copied tree: no Node, no npm, no download.
#
#   tests/gpu/check.sh [--device cuda|cpu] [--fixtures DIR] [--rounds N] [--no-build]
#
# Needs g++, cmake and a Python with torch >= 2.11 and numpy (AUTOMED_REFERENCE_PYTHON, default python3); builds against that
# torch in build/gpu (AUTOMED_GPU_BUILD). Runs the native tests, parity with the published code on the device, and the encoder and
# a training step beside PyTorch eager in one run, batches of 1, 8 and 32. The last line is JSON; ends with 1 where anything differs.
# --device: default cuda where torch sees one; on cpu it says "gpu": "no device". Without --fixtures parity is left out, and
# training, whose reference is models.py in the folder above the fixtures.

set -euo pipefail
cd "$(dirname "$0")/../.."
python=${AUTOMED_REFERENCE_PYTHON:-python3}
build=${AUTOMED_GPU_BUILD:-build/gpu}
device=$("$python" -c 'import torch; print("cuda" if torch.cuda.is_available() else "cpu")')
fixtures='' rounds=5 compile=yes
while [ $# -gt 0 ]; do
  case $1 in
    --device) device=$2; shift 2 ;;
    --fixtures) fixtures=$2; shift 2 ;;
    --rounds) rounds=$2; shift 2 ;;
    --no-build) compile=no; shift ;;
    *) sed -n '2,10p' "$0" >&2; exit 2 ;;
  esac
done

if [ "$compile" = yes ]; then
  libtorch=$("$python" -c 'import os, torch; print(os.path.dirname(torch.__file__))')
  with_cuda=$([ "$device" = cpu ] && echo 0 || echo 1)
  cmake -S native -B "$build" -DCMAKE_BUILD_TYPE=Release -DLIBTORCH="$libtorch" -DLIBTORCH_BYPASS_VERSION_CHECK=1 \
    -DAUTOMED_CUDA="$with_cuda" >&2
  cmake --build "$build" --parallel "$(nproc)" --target automed_parity automed_native_tests automed_bench >&2
fi
programs=$build/Release
failed=0

tests=$("$programs/automed_native_tests" | tee /dev/stderr | tail -1) || failed=1

parity=null
if [ -n "$fixtures" ]; then
  # TF32 is off unless somebody turns it on, so that float32's tolerances hold on the GPU too.
  table=$(NVIDIA_TF32_OVERRIDE=0 "$programs/automed_parity" --fixtures "$fixtures" --device "$device") || failed=1
  echo "$table" >&2
  parity=$(echo "$table" | grep -c ' ok$' || true)
fi

reference=''
[ -z "$fixtures" ] || [ ! -e "$fixtures/../models.py" ] || reference=$fixtures/..
PYTHONPATH=tests/bench${PYTHONPATH:+:$PYTHONPATH} "$python" tests/gpu/encoder.py "$programs/automed_bench" "$device" "$rounds" \
  "$tests" "$parity" "$failed" ${reference:+"$reference"}
