"""Looks every code of [scheme, value, meaning] that standard input holds up in pydicom's dictionary, and prints those that differ."""

import json
import sys

from pydicom.sr._concepts_dict import concepts

for scheme, value, meaning in json.load(sys.stdin):
    known = {entry[value][0].lower() for entry in concepts[scheme].values() if value in entry}
    if meaning.lower() not in known:
        print(scheme, value, meaning, sorted(known))
