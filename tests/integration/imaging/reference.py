"""What others decode DICOM files to: pydicom, or what gdcmconv or DCMTK decompress and pydicom then reads.

    python3 reference.py FROM TO

Writes for each file with pixels below FROM its values (C order, little endian, colour as RGB) to TO/N.raw, and prints one line of
JSON: file, decoder, shape, dtype, raw; or file and why, where none of them can.
"""

import json
import pathlib
import subprocess
import sys
import tempfile

import numpy
import pydicom
from pydicom.pixels import pixel_array

PIXELS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")
OTHERS = {
    "gdcmconv": lambda source, target: ["gdcmconv", "--raw", source, target],
    "dcmdjpeg": lambda source, target: ["dcmdjpeg", "+cr", source, target],
    "dcmdjpls": lambda source, target: ["dcmdjpls", source, target],
}


def decompressed(command):
    """Values of a file by way of another program, or what it says."""
    with tempfile.TemporaryDirectory() as folder:
        target = f"{folder}/raw.dcm"
        try:
            done = subprocess.run(command(target), capture_output=True, timeout=120)
        except FileNotFoundError:
            return None
        if done.returncode != 0 or not pathlib.Path(target).exists():
            return None
        try:
            return pixel_array(pydicom.dcmread(target, force=True))
        except Exception:
            return None


def decoded(path):
    """Decoder and values; None and why."""
    try:
        data_set = pydicom.dcmread(path, force=True)
        if not any(keyword in data_set for keyword in PIXELS):
            return None, None
        return "pydicom", pixel_array(data_set)
    except Exception as error:
        why = str(error).strip().split("\n")[0][:120]
    for name, command in OTHERS.items():
        values = decompressed(lambda target: command(str(path), target))
        if values is not None:
            return name, values
    return None, why


def main(source, target):
    for at, path in enumerate(sorted(pathlib.Path(source).rglob("*"))):
        if not path.is_file():
            continue
        decoder, values = decoded(path)
        about = {"file": str(path.relative_to(source))}
        if decoder is None:
            if values is not None:
                print(json.dumps({**about, "why": values}))
            continue
        values = numpy.ascontiguousarray(values.astype(values.dtype.newbyteorder("<")))
        raw = f"{at}.raw"
        values.tofile(f"{target}/{raw}")
        print(json.dumps({**about, "decoder": decoder, "shape": values.shape, "dtype": values.dtype.name, "raw": raw}))


main(*sys.argv[1:])
