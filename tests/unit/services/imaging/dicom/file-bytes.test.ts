// Files that the decoding thread reads itself: what it says of a path is what is said of the bytes.

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, existsSync, openSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { DecodePool, DicomError, DicomImage, type StoredFrame } from '../../../../../services/imaging/dicom';
import { temporaryFolder } from '../../../../support/data';
import {
  BIG_ENDIAN,
  dicomFile,
  EXPLICIT,
  greyDicom,
  greyElements,
  IMPLICIT,
  type DicomElements,
} from '../../../../support/dicom';

const folder = temporaryFolder();
const pool = new DecodePool({ threads: 1 });
const real = join(process.env.AUTOMED_TEST_DATA ?? '../shared/data', 'dicom');

const signed12: DicomElements = {
  '00280101': ['US', [12]],
  '00280102': ['US', [11]],
  '00280103': ['US', [1]],
};
const grey = (more: DicomElements = {}, syntax = EXPLICIT): Buffer =>
  greyDicom({ width: 3, height: 2, values: [0, 1, 2, 0x7ff, 0x800, 0xfff], more, syntax });
const pixelsOf = (pixels: readonly number[]): Buffer =>
  dicomFile({ ...greyElements({ width: 4, height: 2, bits: 8 }), '7fe00010': ['OB', Buffer.from(pixels)] });
const eight = [1, 2, 3, 4, 5, 6, 7, 8];

const FILES: Readonly<Record<string, Buffer>> = {
  'of 16 bits': grey(),
  'of 12 bits with a sign': grey(signed12),
  'whose bits begin above the lowest': grey({ '00280101': ['US', [12]], '00280102': ['US', [15]] }),
  'in implicit VR': grey(signed12, IMPLICIT),
  'in big endian': grey(signed12, BIG_ENDIAN),
  'of 8 bits, padded': pixelsOf([...eight, 0, 0]),
  'of several frames': greyDicom({ width: 2, height: 1, frames: 2, values: [1, 2, 3, 4] }),
  'of a palette': grey({ '00280004': ['CS', 'PALETTE COLOR'] }),
  'whose header is long': grey({ '00204000': ['LT', 'x'.repeat(40_000)] }),
  'of a report': grey({ '00080016': ['UI', '1.2.840.10008.5.1.4.1.1.88.11'] }),
  'cut short': grey().subarray(0, -1),
  'cut short in its header': grey().subarray(0, 200),
  'with fewer pixels than promised': pixelsOf(eight.slice(0, 6)),
  'with twice the pixels': pixelsOf([...eight, ...eight]),
  'with compressed pixels that are called uncompressed': pixelsOf([0xfe, 0xff, 0, 0xe0, 0, 0, 0, 0]),
  'that is none': Buffer.from('no DICOM'),
  'that is empty': Buffer.alloc(0),
};

/** Frames by their shape and the hash of their values, or what is wrong. */
async function said(stored: () => Promise<StoredFrame>): Promise<Record<string, unknown>> {
  try {
    const { values, width, height, kind } = await stored();
    const { buffer, byteOffset, byteLength, constructor } = values;
    const hash = createHash('sha256').update(new Uint8Array(buffer, byteOffset, byteLength));
    return { width, height, kind, type: constructor.name, values: hash.digest('hex') };
  } catch (error) {
    if (!(error instanceof DicomError)) throw error;
    return { defect: error.defect, message: error.message };
  }
}

function onlyFrame(bytes: Buffer): DicomImage {
  const image = DicomImage.parse(bytes);
  const { frames } = image.header;
  if (frames > 1) throw new DicomError('FRAME', `The DICOM file has ${frames} frames, where one picture is needed.`);
  return image;
}

test.each(Object.entries(FILES))('a file %s', async (name, bytes) => {
  const path = join(folder, `${name}.dcm`);
  writeFileSync(path, bytes);
  const expected = await said(async () => onlyFrame(bytes).stored());
  expect(await said(async () => pool.stored(path))).toEqual(expected);
  expect(await said(async () => pool.stored(path, { into: new ArrayBuffer(64) }))).toEqual(expected);
});

(existsSync(real) ? test : test.skip)('real files', async () => {
  const names = readdirSync(real).filter((name) => name.endsWith('.dcm'));
  expect(names.length).toBeGreaterThan(10);
  for (const name of names) {
    const path = join(real, name);
    const expected = await said(async () => onlyFrame(readFileSync(path)).stored());
    expect([name, await said(async () => pool.stored(path))]).toEqual([name, expected]);
  }
});

test('values are put into the memory that was given where it is large enough, and nothing of it is left over', async () => {
  const path = join(folder, 'into.dcm');
  writeFileSync(path, grey());
  const large = new Uint8Array(64).fill(7).buffer;
  const [first, second] = [
    await pool.stored(path, { into: large }),
    await pool.stored(path, { into: new ArrayBuffer(2) }),
  ];
  expect(large.byteLength).toBe(0);
  expect(first.values.buffer.byteLength).toBe(64);
  expect(second.values.buffer.byteLength).toBe(12);
  expect(first.values).toEqual(second.values);
  expect([...first.values]).toEqual([0, 1, 2, 0x7ff, 0x800, 0xfff]);
});

test('a file that is not there is an error of the file system without its path, which may name a patient', async () => {
  const error: unknown = await pool.picture(join(folder, 'Doe^Jane.dcm'), 0).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: 'ENOENT', message: 'ENOENT: the DICOM file cannot be read' });
});

test('a file is parsed once, uncompressed or not', async () => {
  const one = new DecodePool({ threads: 1 });
  const path = join(folder, 'once.dcm');
  writeFileSync(path, grey());
  await one.stored(path);
  expect(one.parsedFiles).toBe(1);
  writeFileSync(path, grey({}, BIG_ENDIAN));
  await one.stored(path);
  expect(one.parsedFiles).toBe(2);
});

describe('files that are asked for together', () => {
  const number = (first: number): Buffer => greyDicom({ width: 2, height: 1, values: [first, 7] });
  const write = (name: string, bytes: Buffer): string => {
    const path = join(folder, name);
    writeFileSync(path, bytes);
    return path;
  };
  const outcome = (stored: Promise<StoredFrame>): Promise<unknown> =>
    stored.then(
      ({ values }) => [...values],
      (error: { defect?: string; code?: string }) => error.defect ?? error.code,
    );

  test.each([1, 2])('are each what they are alone, on %s thread(s), in shared memory or not', async (threads) => {
    const many = new DecodePool({ threads });
    const other: Readonly<Record<number, Buffer>> = {
      20: grey(signed12, BIG_ENDIAN),
      33: Buffer.from('no DICOM'),
      34: pixelsOf(eight.slice(0, 6)),
    };
    const paths = Array.from({ length: 60 }, (_, at) => write(`together-${at}.dcm`, other[at] ?? number(at)));
    paths[41] = join(folder, 'absent.dcm');
    for (const memory of [undefined, ArrayBuffer, SharedArrayBuffer]) {
      const asked = paths.map((path) => outcome(many.stored(path, { into: memory && new memory(16) })));
      const expected = paths.map((_, at): unknown => [at, 7]);
      expected[20] = [0, 1, 2, 0x7ff, -0x800, -1];
      [expected[33], expected[34], expected[41]] = ['NOT_DICOM', 'TRUNCATED', 'ENOENT'];
      expect(await Promise.all(asked)).toEqual(expected);
    }
    expect(many.size).toBeLessThanOrEqual(threads);
  });

  test("are put into shared memory, which stays the caller's", async () => {
    const into = new SharedArrayBuffer(16);
    const { values } = await pool.stored(write('shared.dcm', number(5)), { into });
    expect(into.byteLength).toBe(16);
    expect([...new Uint16Array(into, 0, 2)]).toEqual([5, 7]);
    expect([...values]).toEqual([5, 7]);
  });

  test('are decoded also where two of them give away the same memory', async () => {
    const one = new DecodePool({ threads: 1 });
    const path = write('given-away.dcm', number(3));
    await Promise.all(Array.from({ length: 20 }, () => one.stored(path)));
    const into = new ArrayBuffer(16);
    const asked = Array.from({ length: 20 }, (_, at) => one.stored(path, at === 8 || at === 9 ? { into } : {}));
    for (const { values } of await Promise.all(asked)) expect([...values]).toEqual([3, 7]);
  });

  test('that need too long, as a pipe does that nobody writes to, cost the others nothing but time', async () => {
    const one = new DecodePool({ threads: 1 });
    const path = write('quick.dcm', number(4));
    await Promise.all(Array.from({ length: 40 }, () => one.stored(path)));
    const pipe = join(folder, 'pipe.dcm');
    execFileSync('mkfifo', [pipe]);
    const asked = Array.from({ length: 12 }, (_, at) => {
      const [file, limitMs] = at === 6 ? [pipe, 200] : [path, 60_000];
      return outcome(one.stored(file, { limitMs }));
    });
    // The thread that waits for the pipe ends with it, after its time.
    await setTimeout(400);
    const writer = openSync(pipe, 'r+');
    const all = await Promise.all(asked).finally(() => closeSync(writer));
    expect(all).toEqual(all.map((_, at) => (at === 6 ? 'NOT_DICOM' : [4, 7])));
  });
});
