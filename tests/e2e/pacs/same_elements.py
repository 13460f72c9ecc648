"""Prints those of the sent files of which no received file has the same elements: python3 same_elements.py RECEIVED SENT...

dcmsend writes lengths of sequences and groups anew, leaves trailing padding out, and swaps the bytes of words for a receiver that it
offers little endian first; every value stays.
"""

import collections
import pathlib
import sys

import pydicom


def read(path):
    data = pydicom.dcmread(path, force=True)
    data.pop((0xFFFC, 0xFFFC), None)
    return data


def value(data, tag):
    element = data[tag]
    if element.VR != "OW" or data.original_encoding[1] is not False:
        return element.value
    swapped = bytearray(element.value)
    swapped[0::2], swapped[1::2] = swapped[1::2], swapped[0::2]
    return bytes(swapped)


def same(one, other):
    if isinstance(one, pydicom.Dataset):
        tags = [tag for tag in one.keys() if tag.element != 0]
        others = [tag for tag in other.keys() if tag.element != 0]
        return tags == others and all(same(value(one, tag), value(other, tag)) for tag in tags)
    if isinstance(one, pydicom.Sequence):
        return len(one) == len(other) and all(map(same, one, other))
    # NaN is the same as itself here.
    return one == other or repr(one) == repr(other)


received = collections.defaultdict(list)
for path in pathlib.Path(sys.argv[1]).rglob("*.dcm"):
    data = read(path)
    received[data.SOPInstanceUID].append(data)
for path in sys.argv[2:]:
    sent = read(path)
    if not any(same(sent, other) for other in received[sent.get("SOPInstanceUID")]):
        print(pathlib.Path(path).name)
