#!/usr/bin/env bash
# dcmjs 0.51.1 and 0.52.2 (npm) write a number as a decimal string (DS, PS3.5 table 6.2-1: at most 16 characters) by cutting its
# text at 16 characters, and the exponent goes with the rest: a number below 1e-6 with many digits becomes millions of times larger.
# Valid input: the direction cosines of a volume turned by 90 degrees as cos and sin give them, with 6.123233995736766e-17 where
# an exact 0 would be. Seen, of both versions: a line in the log says that the value is truncated, nothing is thrown, and the file
# holds 6.12323399573676. 1e-14, which is short, keeps its exponent. Fails when that changes. Automed writes no DICOM.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --prefix . old@npm:dcmjs@0.51.1 new@npm:dcmjs@0.52.2
cat >run.cjs <<'JS'
const zero = Math.cos(Math.PI / 2);
const cosines = [zero, 1, 1e-14, -1, zero, 0];
function written(library) {
  const { DicomDict, DicomMessage, DicomMetaDictionary } = require(library).data;
  const file = new DicomDict({ '00020010': { vr: 'UI', Value: ['1.2.840.10008.1.2.1'] } });
  file.dict = DicomMetaDictionary.denaturalizeDataset({ ImageOrientationPatient: cosines });
  return DicomMessage.readFile(file.write()).dict['00200037'].Value.map(Number);
}
const seen = ['old', 'new'].map((library) => {
  const read = written(library);
  console.log(`${library}: ${cosines.join(' ')} is written as ${read.join(' ')}`);
  return Math.abs(read[0] - 6.123) < 0.001 && Math.abs(read[4] - 6.123) < 0.001 && read[1] === 1 && read[2] === 1e-14;
});
process.exit(seen.every(Boolean) ? 0 : 1);
JS
node run.cjs
