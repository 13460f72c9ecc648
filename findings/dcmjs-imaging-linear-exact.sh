#!/usr/bin/env bash
# dcmjs-imaging 0.2.5 (npm) draws the VOI LUT function LINEAR_EXACT half a window too dark. Valid input: stored values 50, 75, 100, 125 and
# 150, Window Center 100, Window Width 100. PS3.3 C.11.2.1.3.2 gives ((x - 100) / 100 + 0.5) * 255: 0, 64, 128, 191, 255. Seen:
# 0, 0, 0, 63, 127, without an error: black up to the centre. With LINEAR the same window is right, so that only images which
# name the function are dark. Fails when that changes. Automed has its own (services/imaging/dicom/transforms.ts).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --prefix . dcmjs-imaging@0.2.5 dcmjs@0.50.3
cat >run.cjs <<'JS'
const { DicomImage, NativePixelDecoder } = require('dcmjs-imaging');
const { DicomDict, DicomMetaDictionary } = require('dcmjs').data;
const stored = [50, 75, 100, 125, 150];
const sop = '1.2.840.10008.5.1.4.1.1.7';
function render(name) {
  const meta = { '00020002': sop, '00020003': '2.25.1', '00020010': '1.2.840.10008.1.2.1' };
  const file = new DicomDict(Object.fromEntries(Object.entries(meta).map(([tag, uid]) => [tag, { vr: 'UI', Value: [uid] }])));
  file.dict = DicomMetaDictionary.denaturalizeDataset({
    SOPClassUID: sop, SOPInstanceUID: '2.25.1', Rows: 1, Columns: stored.length, BitsAllocated: 16, BitsStored: 12, HighBit: 11,
    PixelRepresentation: 0, SamplesPerPixel: 1, PhotometricInterpretation: 'MONOCHROME2', WindowCenter: 100, WindowWidth: 100,
    VOILUTFunction: name, PixelData: [Uint16Array.from(stored).buffer], _vrMap: { PixelData: 'OW' },
  });
  const pixels = new Uint8Array(new DicomImage(file.write()).render().pixels);
  const shown = stored.map((_, at) => pixels[4 * at]);
  console.log(`${name}: ${stored.join(', ')} are drawn as ${shown.join(', ')}`);
  return shown;
}
(async () => {
  await NativePixelDecoder.initializeAsync();
  const exact = stored.map((value) => ((value - 100) / 100 + 0.5) * 255);
  const linear = render('LINEAR').join() === '0,64,128,193,255';
  const half = render('LINEAR_EXACT').every((value, at) => Math.abs(value - Math.max(0, exact[at] - 127.5)) <= 1);
  process.exit(linear && half ? 0 : 1);
})();
JS
node run.cjs
