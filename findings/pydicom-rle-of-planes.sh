#!/usr/bin/env bash
# pydicom 3.0.2 (pip) compresses colour that lies plane by plane (Planar Configuration 1) to RLE Lossless as if it lay pixel by
# pixel. Valid input: 8-bit RGB of 4 x 5, all samples different, written by planes, then `compress(RLELossless)`, for which its
# guide asks nothing more of RGB. Seen: no error, no warning, Planar Configuration stays 1, and `pixel_array` of the result is
# another picture: the first pixel is the first three samples of the red plane. The same picture pixel by pixel is right, and so
# is `compress(RLELossless, ds.pixel_array)`. The loss is final: the uncompressed pixels are replaced in place. Fails when that
# changes. Automed writes no DICOM, and reads such a file as it is: the damage cannot be seen in it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m pip install --quiet --target "$folder" pydicom==3.0.2 numpy==2.4.6
cat >"$folder/run.py" <<'PY'
import sys
import warnings
import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, RLELossless, SecondaryCaptureImageStorage

picture = np.arange(4 * 5 * 3, dtype=np.uint8).reshape(4, 5, 3)


def image(planar):
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.SOPClassUID, ds.SOPInstanceUID = SecondaryCaptureImageStorage, "2.25.1"
    ds.Rows, ds.Columns, ds.SamplesPerPixel = picture.shape
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 8, 8, 7, 0
    ds.PhotometricInterpretation, ds.PlanarConfiguration = "RGB", planar
    ds.PixelData = (np.moveaxis(picture, -1, 0) if planar else picture).tobytes()
    ds["PixelData"].VR = "OB"
    assert np.array_equal(ds.pixel_array, picture)
    return ds


def compressed(name, ds, *pixels):
    ds.compress(RLELossless, *pixels)
    found = ds.pixel_array
    print(f"{name}: {np.count_nonzero(found != picture)} of {picture.size} samples wrong, first pixel {found[0, 0]}")
    return found


with warnings.catch_warnings():
    warnings.simplefilter("error")
    pixels, planes = compressed("pixel by pixel", image(0)), compressed("plane by plane", image(1))
    given = compressed("plane by plane, array given", image(1), picture)
right = np.array_equal(pixels, picture) and np.array_equal(given, picture)
sys.exit(0 if right and planes[0, 0].tolist() == picture[0, :3, 0].tolist() else 1)
PY
PYTHONPATH="$folder" python3 "$folder/run.py"
