// Files of many makers, modalities and encodings; what they must decode to was worked out by pydicom, GDCM and CharLS.

import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DicomImage, DicomError, isDicom, readDicomHeader } from '../../../../../services/imaging/dicom';

const folder = join(process.env.AUTOMED_TEST_DATA ?? '../shared/data', 'dicom');

interface Expected {
  shape: number[];
  dtype: string;
  min: number;
  max: number;
  mean: number;
  sha256: string;
}

/** Cannot be used, and why. */
const DEFECTS: Readonly<Record<string, string>> = {
  'MR_truncated.dcm': 'TRUNCATED',
  'dwv-test_no-number-rows.dcm': 'HEADER',
  'GH340.dcm': 'PIXEL_FORMAT',
};
/** Lossy colour, whose last digit depends on the decoder. */
const LOSSY = new Set(['examples_ybr_color.dcm']);

const present = existsSync(folder);
if (!present) console.warn(`Real DICOM files are not tested: ${folder} is absent (AUTOMED_TEST_DATA).`);
const expected = present
  ? (JSON.parse(readFileSync(join(folder, 'expected.json'), 'utf8')) as Record<string, Expected>)
  : {};
const whole = Object.entries(expected).filter(([name]) => !(name in DEFECTS));

async function framesOf(image: DicomImage): Promise<Buffer> {
  const frames: Buffer[] = [];
  for (let frame = 0; frame < image.header.frames; frame += 1) {
    const { values } = await image.stored(frame);
    frames.push(Buffer.from(values.buffer, values.byteOffset, values.byteLength));
  }
  return Buffer.concat(frames);
}

(present ? describe : describe.skip)('real DICOM files', () => {
  test.each(whole)('%s decodes to the stored values of other decoders', async (name, { shape, sha256, mean, max }) => {
    const image = DicomImage.parse(readFileSync(join(folder, name)));
    const { width, height, frames, samples } = image.header;
    expect([frames, height, width, samples].filter((size, at) => size !== 1 || at === 1 || at === 2)).toEqual(shape);
    const bytes = await framesOf(image);
    if (!LOSSY.has(name)) {
      expect(createHash('sha256').update(bytes).digest('hex')).toBe(sha256);
      return;
    }
    let [sum, most] = [0, 0];
    for (const value of bytes) {
      sum += value;
      most = Math.max(most, value);
    }
    expect(Math.abs(sum / bytes.length - mean)).toBeLessThan(0.02);
    expect(Math.abs(most - max)).toBeLessThanOrEqual(2);
  });

  test.each(whole)('%s is displayed as 8-bit grey or RGB', async (name) => {
    const image = DicomImage.parse(readFileSync(join(folder, name)));
    const { data, width, height, channels, sampleType } = await image.display();
    expect([width, height, sampleType]).toEqual([image.header.width, image.header.height, 'uint8']);
    expect(channels).toBe(image.header.photometric.startsWith('MONOCHROME') ? 1 : 3);
    expect(data).toHaveLength(width * height * channels);
    expect(new Set(data).size).toBeGreaterThan(1);
  });

  test.each(Object.entries(DEFECTS))('%s is refused as %s', async (name, defect) => {
    const bytes = readFileSync(join(folder, name));
    expect(isDicom(bytes)).toBe(true);
    const decode = async (): Promise<unknown> => DicomImage.parse(bytes).stored();
    await expect(decode()).rejects.toThrow(DicomError);
    const error = await decode().catch((thrown: unknown) => thrown as DicomError);
    expect(error).toMatchObject({ defect, field: 'image' });
    // What the parser throws holds the elements of the file, and a log would print them.
    expect(error).not.toHaveProperty('cause');
  });

  test('one picture has the same display whatever it is encoded in', async () => {
    const display = async (name: string): Promise<Uint8Array> =>
      (await DicomImage.parse(readFileSync(join(folder, name))).display()).data;
    const plain = await display('MR_small.dcm');
    for (const name of ['RLE', 'bigendian', 'implicit', 'jp2klossless', 'jpeg_ls_lossless']) {
      expect(Buffer.compare(await display(`MR_small_${name}.dcm`), plain)).toBe(0);
    }
    expect(Buffer.compare(await display('CR-MONO1-10-chest'), await display('gdcm-CR-MONO1-10-chest.dcm'))).toBe(0);
  });

  test.each(whole)('the header of %s is read without the rest of the file', async (name) => {
    const path = join(folder, name);
    expect(await readDicomHeader(path)).toEqual(DicomImage.parse(readFileSync(path)).header);
  });

  test('half a file of any encoding is refused', async () => {
    for (const [name] of whole) {
      const bytes = readFileSync(join(folder, name));
      const half = bytes.subarray(0, bytes.length / 2);
      await expect((async () => DicomImage.parse(half).stored())()).rejects.toThrow(DicomError);
    }
  });
});
