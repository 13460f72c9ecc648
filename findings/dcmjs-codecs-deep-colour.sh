#!/usr/bin/env bash
# dcmjs-codecs 0.0.8 (npm) takes JPEG 2000 colour of more than 8 bits for bytes, both ways. Valid input: 8 x 8 RGB of 16 bits, all samples
# different, to JPEG 2000 Lossless (1.2.840.10008.1.2.4.90) and back. Seen: the stream says 16 bits (Ssiz 15), OpenJPEG 1.3.6 of
# @cornerstonejs/codec-openjpeg finds the single bytes of the first half of the picture in it, the other half is gone, and
# dcmjs-codecs puts these bytes back, so that a check of the first samples passes: 96 of 192 come back, without an error. Grey of
# 16 bits is right. Fails when that changes. Automed reads JPEG 2000 colour of 8 bits and refuses deeper one by name
# (services/imaging/dicom/codestream.ts).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --prefix . dcmjs-codecs@0.0.8 @cornerstonejs/codec-openjpeg@1.3.6
cat >run.cjs <<'JS'
const { Context, NativeCodecs } = require('dcmjs-codecs');
const openJpeg = require('@cornerstonejs/codec-openjpeg');
const SIDE = 8;
const words = (bytes) => [...new Uint16Array(Uint8Array.from(bytes).buffer)];
(async () => {
  await NativeCodecs.initializeAsync({ logCodecsInfo: false, logCodecsTrace: false });
  const { J2KDecoder } = await (openJpeg.default ?? openJpeg)({ print() {}, printErr() {} });
  function transcode(samples) {
    const values = Array.from({ length: SIDE * SIDE * samples }, (_, at) => 331 * (at + 1));
    const image = (buffer) => new Context({
      width: SIDE, height: SIDE, bitsAllocated: 16, bitsStored: 16, samplesPerPixel: samples, pixelRepresentation: 0,
      planarConfiguration: 0, photometricInterpretation: samples === 3 ? 'RGB' : 'MONOCHROME2', ...buffer,
    });
    const decodedBuffer = new Uint8Array(Uint16Array.from(values).buffer);
    const stream = Buffer.from(NativeCodecs.encodeJpeg2000(image({ decodedBuffer }), {}).getEncodedBuffer());
    const back = words(NativeCodecs.decodeJpeg2000(image({ encodedBuffer: stream })).getDecodedBuffer());
    const other = new J2KDecoder();
    other.getEncodedBuffer(stream.length).set(stream);
    other.decode();
    const held = words(other.getDecodedBuffer());
    // SIZ, ISO/IEC 15444-1 A.5.1: Ssiz of the first component
    const bits = stream[stream.indexOf(Buffer.of(0xff, 0x51)) + 40] + 1;
    const kept = values.filter((value, at) => back[at] === value).length;
    console.log(`${samples} of ${bits} bits: ${kept} of ${values.length} come back, the stream holds ${held.slice(0, 4)}...`);
    return { bits, kept, held, values, bytes: [...decodedBuffer] };
  }
  const [grey, colour] = [transcode(1), transcode(3)];
  const right = grey.kept === grey.values.length && grey.held.join() === grey.values.join();
  const half = colour.bits === 16 && colour.kept === 96 && colour.held.every((value, at) => value === colour.bytes[at]);
  process.exit(right && half ? 0 : 1);
})();
JS
node run.cjs
