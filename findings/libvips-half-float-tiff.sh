#!/usr/bin/env bash
# libvips 8.18.7 in sharp 0.35.5 (npm) reads a grey TIFF of 16-bit floating point (SampleFormat 3, BitsPerSample 16: TIFF 6.0
# section 19 and Adobe's TIFF Technical Note 3, as scientific Python writes them) without error, as depth `float`, with values
# that are not in the file. Valid input: four half floats 60, 100, 150, 201, uncompressed, one strip. Seen: no error, depth
# float, no value above 1. The same four values as 32-bit floats are read as they are. Fails when that changes. Automed names
# "16-bit floating point" and refuses the file.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --prefix . sharp@0.35.5
cat >run.cjs <<'JS'
const sharp = require('sharp');
// sign 0, exponent of bias 15, ten bits of fraction
const half = (value) => {
  const exponent = Math.floor(Math.log2(value));
  return ((exponent + 15) << 10) | Math.round((value / 2 ** exponent - 1) * 1024);
};
const values = [60, 100, 150, 201];
function tiff(bits) {
  const data = bits === 16 ? Uint16Array.from(values, half) : Float32Array.from(values);
  const tags = [
    [256, 2], [257, 2], [258, bits], [259, 1], [262, 1], [273, 8 + 2 + 12 * 10 + 4], [277, 1], [278, 2],
    [279, data.byteLength], [339, 3],
  ];
  const head = Buffer.alloc(8 + 2 + 12 * tags.length + 4);
  head.write('II*\0', 'latin1');
  head.writeUInt32LE(8, 4);
  head.writeUInt16LE(tags.length, 8);
  tags.forEach(([tag, value], index) => {
    const at = 10 + 12 * index;
    head.writeUInt16LE(tag, at);
    head.writeUInt16LE(4, at + 2);
    head.writeUInt32LE(1, at + 4);
    head.writeUInt32LE(value, at + 8);
  });
  return Buffer.concat([head, Buffer.from(data.buffer)]);
}
async function read(bits) {
  const bytes = tiff(bits);
  const { depth } = await sharp(bytes).metadata();
  const raw = await sharp(bytes).toColourspace('b-w').raw({ depth: 'float' }).toBuffer();
  const found = [...new Float32Array(raw.buffer, raw.byteOffset, 4)];
  console.log(`libvips ${sharp.versions.vips}, ${bits} bits: depth ${depth}, values ${found.join(', ')}`);
  return { depth, found };
}
(async () => {
  const [wide, narrow] = [await read(32), await read(16)];
  const right = wide.found.join() === values.join();
  process.exit(right && narrow.depth === 'float' && Math.max(...narrow.found) <= 1 ? 0 : 1);
})();
JS
node run.cjs
