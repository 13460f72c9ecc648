// Frames beside what other decoders make of them: the files that pydicom is tested with, and one picture in every encoding that
// DCMTK and GDCM write.

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DicomImage } from '../../../services/imaging/dicom';
import { parseFile } from '../../../services/imaging/dicom/data-set';
import { temporaryFolder } from '../../support/data';
import { missingDicomTools } from '../../support/dicom-tools';
import { findPython } from '../../support/python';
import { compare, type Reference, type Verdict } from './compare';

const folder = temporaryFolder();
const PACKAGES = ['pydicom==3.0.2', 'numpy', 'pillow'];
const python = findPython(['pydicom', 'numpy', 'PIL'], PACKAGES, join(folder, 'python'));
const env = { ...process.env, PYTHONPATH: python.path };
const missing = python.missing ?? missingDicomTools(['gdcmconv', 'dcmcjpeg']);
if (missing !== undefined) process.stderr.write(`skipped: DICOM frames beside other decoders (${missing})\n`);

function output(command: string, args: readonly string[]): string {
  const { stdout, stderr, status } = spawnSync(command, args, { encoding: 'utf8', env, maxBuffer: 1 << 26 });
  if (status !== 0) throw new Error(`${command}: ${stderr}`);
  return stdout;
}

/** Files that are refused, and why. */
const REFUSED: Readonly<Record<string, string>> = {
  // "1A" frames.
  'badVR.dcm': 'HEADER',
  // A stream cut short, which nobody decodes.
  'JPEG2000-embedded-sequence-delimiter.dcm': 'PIXEL_DECODE',
  'MR_truncated.dcm': 'TRUNCATED',
  // Neither transfer syntax nor, in the next one, bits allocated.
  'meta_missing_tsyntax.dcm': 'TRANSFER_SYNTAX',
  'nested_priv_SQ.dcm': 'TRUNCATED',
};

/** Written by others: encoder, and how it is told. */
const ENCODERS: readonly (readonly [name: string, command: string, options: readonly string[]])[] = [
  ['RLE', 'dcmcrle', []],
  ['JPEG lossless, SV1', 'dcmcjpeg', ['+e1']],
  ['JPEG lossless', 'dcmcjpeg', ['+el']],
  ['JPEG-LS', 'dcmcjpls', []],
  ['JPEG 2000', 'gdcmconv', ['--j2k']],
  ['JPEG lossless by GDCM', 'gdcmconv', ['--jpeg']],
  ['JPEG-LS by GDCM', 'gdcmconv', ['--jpegls']],
  ['RLE by GDCM', 'gdcmconv', ['--rle']],
  ['deflated', 'dcmconv', ['+td']],
  ['big endian', 'dcmconv', ['+tb']],
  ['implicit', 'dcmconv', ['+ti']],
];
const PICTURES = ['CT_small.dcm', 'MR_small.dcm', 'examples_rgb_color.dcm', 'examples_overlay.dcm', 'image_dfl.dcm'];

/** What ends a stream of JPEG and JPEG 2000, and what ends fragments. */
const END = Buffer.of(0xff, 0xd9);
const DELIMITER = Buffer.from('feffdde000000000', 'hex');

const describeWhere = missing === undefined ? describe : describe.skip;

function pydicomFiles(): string {
  return join(dirname(output('python3', ['-c', 'import pydicom; print(pydicom.__file__)'])), 'data', 'test_files');
}

/**
 * Half of the pixels of a file: of its compressed frame, or of all that follows where they begin.
 * @param ended whether what ends a stream stands behind the half, too
 */
function halved(file: string, ended: boolean): Buffer {
  const bytes = readFileSync(file);
  const { dataSet, syntax } = parseFile(bytes, { maxBytes: bytes.length * 100 });
  if (syntax.deflated) return bytes.subarray(0, bytes.length / 2);
  const pixels = dataSet.elements.x7fe00010;
  const fragment = pixels?.fragments?.[0];
  const from = fragment ? fragment.position : (pixels?.dataOffset ?? 0);
  const half = Math.floor((fragment?.length ?? pixels?.length ?? 0) / 4) * 2;
  if (!fragment) return bytes.subarray(0, from + half);
  // A fragment that says its length truly: nothing but the stream is cut short.
  const frame = Buffer.concat([bytes.subarray(from, from + half - 2), ended ? END : bytes.subarray(from, from + 2)]);
  const header = Buffer.from(bytes.subarray(0, from));
  header.writeUInt32LE(half, from - 4);
  return Buffer.concat([header, frame, DELIMITER]);
}

describeWhere('beside other decoders', () => {
  test('the files that pydicom is tested with have the same frames, or are refused by name', async () => {
    const source = pydicomFiles();
    const lines = output('python3', ['-W', 'ignore', join(__dirname, 'reference.py'), source, folder]).trim();
    const verdicts: Verdict[] = [];
    for (const line of lines.split('\n')) {
      verdicts.push(await compare(source, folder, JSON.parse(line) as Reference));
    }
    const equal = verdicts.filter(({ outcome }) => outcome === 'equal');
    const frames = equal.reduce((sum, one) => sum + one.frames, 0);
    const by = (decoder: string): number => equal.filter((one) => one.decoder === decoder).length;
    process.stdout.write(
      `pydicom's files: ${verdicts.length}; equal: ${equal.length} (${frames} frames; ${by('pydicom')} beside pydicom, ` +
        `${equal.length - by('pydicom')} beside GDCM and DCMTK)\n`,
    );
    const others = verdicts.filter(({ outcome }) => outcome !== 'equal');
    expect(Object.fromEntries(others.map(({ file, detail }) => [file, detail]))).toEqual(REFUSED);
    expect(equal.length).toBeGreaterThan(85);
  });

  test.each(ENCODERS)('what %s stores is what was encoded, and half of it is refused', async (_, command, options) => {
    const source = pydicomFiles();
    for (const name of PICTURES) {
      const [plain, encoded] = [join(folder, 'plain.dcm'), join(folder, 'encoded.dcm')];
      output('dcmconv', ['+te', join(source, name), plain]);
      output(command, [...options, plain, encoded]);
      const wanted = (await DicomImage.parse(readFileSync(plain)).stored()).values;
      const { values } = await DicomImage.parse(readFileSync(encoded)).stored();
      expect({ name, equal: Buffer.compare(Buffer.from(values.buffer), Buffer.from(wanted.buffer)) }).toEqual({
        name,
        equal: 0,
      });
      for (const ended of [true, false]) {
        await expect((async () => DicomImage.parse(halved(encoded, ended)).stored())()).rejects.toMatchObject({
          defect: expect.stringMatching(/^(TRUNCATED|PIXEL_DECODE)$/) as unknown,
        });
      }
    }
  });
});
