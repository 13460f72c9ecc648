#!/usr/bin/env bash
# torch 2.14.1 (pip's default wheel for Linux on x86-64, here for Python 3.11: the CUDA build) requires CUDA's toolkit by 11 parts and
# 4 packages more. Seen: libtorch_cpu.so and libc10.so need two of their libraries, libcudart.so.13 and libcupti.so.13 (DT_NEEDED):
# the CPU half runs with 52 MB of packages. Set-up relies on that (native/setup/cuda-packages.mjs). Fails when that changes.
# Needs readelf, python3 with pip, 1.2 GB in the temporary folder.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m pip install --quiet --no-deps --only-binary=:all: --python-version 3.11 --target "$folder" torch==2.14.1
needed=$(for library in libtorch_cpu libc10; do readelf -d "$folder/torch/lib/$library.so"; done |
  sed -nE 's/.*\(NEEDED\).*\[(lib(cu|nv|nccl)[^]]*)\]/\1/p' | sort -u | tr '\n' ' ')
echo "needed of CUDA: $needed"
[ "$needed" = "libcudart.so.13 libcupti.so.13 " ]
