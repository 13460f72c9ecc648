#!/usr/bin/env bash
# dcmjs-codecs 0.0.8 (npm) transcodes an image of 12 bits stored to JPEG-LS Near-Lossless (1.2.840.10008.1.2.4.81) as a stream of 16
# bits with a deviation of 10 (NEAR), not of the bits stored: the codec clips at 65535. Valid input: 64 x 64 unsigned samples,
# BitsStored 12, a ramp that reaches white (4095). Seen: BitsStored stays 12, the stream's precision is 16, and samples up to 4098
# come out, which do not fit 12 bits. A reader that keeps the 12 bits that the header names, such as dcmdjpls of dcmtk 3.6.7,
# turns them from white to black (4098 to 2). Fails when that changes. Automed reads as many bits as the stream has where it has more
# (services/imaging/dicom/stored-values.ts).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --prefix . dcmjs-codecs@0.0.8 dcmjs@0.50.3 dicom-parser@1.8.21
cat >run.cjs <<'JS'
const { NativeCodecs, Context, Transcoder } = require('dcmjs-codecs');
const { DicomDict, DicomMetaDictionary } = require('dcmjs').data;
const parser = require('dicom-parser');
const SIDE = 64;
const samples = Uint16Array.from({ length: SIDE * SIDE }, (_, at) => Math.min(4095, 37 * (at % SIDE) + 29 * (at >> 6)));
const sop = '1.2.840.10008.5.1.4.1.1.7';
const meta = { '00020002': sop, '00020003': '2.25.1', '00020010': '1.2.840.10008.1.2.1' };
const file = new DicomDict(Object.fromEntries(Object.entries(meta).map(([tag, uid]) => [tag, { vr: 'UI', Value: [uid] }])));
file.dict = DicomMetaDictionary.denaturalizeDataset({
  SOPClassUID: sop, SOPInstanceUID: '2.25.1', Rows: SIDE, Columns: SIDE, BitsAllocated: 16, BitsStored: 12, HighBit: 11,
  PixelRepresentation: 0, SamplesPerPixel: 1, PhotometricInterpretation: 'MONOCHROME2', PixelData: [samples.buffer],
  _vrMap: { PixelData: 'OW' },
});
(async () => {
  await NativeCodecs.initializeAsync({ logCodecsInfo: false, logCodecsTrace: false });
  const transcoder = new Transcoder(file.write());
  transcoder.transcode('1.2.840.10008.1.2.4.81');
  const data = parser.parseDicom(Buffer.from(transcoder.getDicomPart10()));
  const pixels = data.elements.x7fe00010;
  const stream = Buffer.from(parser.readEncapsulatedPixelDataFromFragments(data, pixels, 0, pixels.fragments.length));
  // SOF55 begins with its length, then the precision; SOS holds NEAR after the one component (ISO/IEC 14495-1 C.2.2, C.2.3)
  const precision = stream[stream.indexOf(Buffer.from([0xff, 0xf7])) + 4];
  const near = stream[stream.indexOf(Buffer.from([0xff, 0xda])) + 7];
  const decoded = NativeCodecs.decodeJpegLs(new Context({
    width: SIDE, height: SIDE, bitsAllocated: 16, bitsStored: 12, samplesPerPixel: 1, pixelRepresentation: 0,
    planarConfiguration: 0, photometricInterpretation: 'MONOCHROME2', encodedBuffer: stream,
  })).getDecodedBuffer();
  const found = new Uint16Array(Uint8Array.from(decoded).buffer);
  const [stored, most] = [data.uint16('x00280101'), Math.max(...found)];
  const wrong = found.filter((value) => value > 4095).length;
  console.log(`BitsStored ${stored}, precision ${precision}, NEAR ${near}, highest ${most}, ${wrong} samples above 4095`);
  process.exit(stored === 12 && precision === 16 && near === 10 && most > 4095 && most <= 4105 ? 0 : 1);
})();
JS
node run.cjs
