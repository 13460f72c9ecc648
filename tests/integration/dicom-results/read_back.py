"""Reads a segmentation with pydicom and numpy: python3 read_back.py SEG MASKS.json SOURCE...

MASKS.json holds what was drawn, by segment number and SOP Instance UID, as lists of 0 and 1. Every frame must equal the mask of the
image that it names, lie where that image lies, and nothing that was drawn may be missing. Prints the number of frames.
"""

import json
import sys

import numpy
import pydicom


def main(segmentation, masks, *sources):
    seg = pydicom.dcmread(segmentation)
    images = {image.SOPInstanceUID: image for image in map(pydicom.dcmread, sources)}
    with open(masks) as file:
        left = json.load(file)
    frames = seg.pixel_array.reshape(int(seg.NumberOfFrames), seg.Rows, seg.Columns)
    shared = seg.SharedFunctionalGroupsSequence[0]
    for frame, own in zip(frames, seg.PerFrameFunctionalGroupsSequence):
        number = str(own.SegmentIdentificationSequence[0].ReferencedSegmentNumber)
        uid = own.DerivationImageSequence[0].SourceImageSequence[0].ReferencedSOPInstanceUID
        drawn = left[number].pop(uid)
        assert numpy.array_equal(frame.ravel(), drawn), f"segment {number} on {uid}"
        image = images[uid]
        if "FrameOfReferenceUID" not in image:
            assert "PlanePositionSequence" not in own
            continue
        assert image.FrameOfReferenceUID == seg.FrameOfReferenceUID
        position = own.PlanePositionSequence[0].ImagePositionPatient
        orientation = shared.PlaneOrientationSequence[0].ImageOrientationPatient
        assert numpy.allclose(position, image.ImagePositionPatient, atol=1e-6), uid
        assert numpy.allclose(orientation, image.ImageOrientationPatient, atol=1e-6), uid
        assert numpy.allclose(shared.PixelMeasuresSequence[0].PixelSpacing, image.PixelSpacing), uid
    assert not any(any(mask) for masks in left.values() for mask in masks.values()), "something is missing"
    print(len(frames))


if __name__ == "__main__":
    main(*sys.argv[1:])
