// Real threads, which run the compiled decoder: what they answer is what this thread's decoder says of the same file.

import { execFile } from 'node:child_process';
import { getEventListeners } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import sharp from 'sharp';
import { DecodePool, DicomError, DicomImage, DicomSegmentation } from '../../../../../services/imaging/dicom';
import type { Pixels } from '../../../../../services/imaging/pixels/pixels';
import { temporaryFolder } from '../../../../support/data';
import { dicomFile, EXPLICIT, greyDicom, greyElements, segmentationDicom } from '../../../../support/dicom';

const root = join(__dirname, '../../../../..');
const real = join(process.env.AUTOMED_TEST_DATA ?? '../shared/data', 'dicom');
const present = existsSync(real);
if (!present) console.warn(`Real DICOM files are not decoded by threads: ${real} is absent (AUTOMED_TEST_DATA).`);

const folder = temporaryFolder();
const pool = new DecodePool({ threads: 2 });

const small = (first: number): Buffer => greyDicom({ width: 2, height: 2, bits: 8, values: [first, 1, 2, 3] });
const shown = async (picture: Promise<Pixels>): Promise<number[]> => [...(await picture).data];

/** 16 million pixels of 16 bits, which take a while. */
function large(): Buffer {
  const side = 4000;
  const pixels = Buffer.alloc(side * side * 2, Buffer.from([1, 2, 3, 5, 8, 13]));
  return dicomFile({ ...greyElements({ width: side, height: side }), '7fe00010': ['OW', pixels] }, EXPLICIT);
}

/** Of less than 1 MB, but with 100,000 items, each an object with a reader of its own when it is parsed. */
function manyItems(): Buffer {
  const items = Array.from({ length: 100_000 }, () => ({}));
  return greyDicom({ width: 2, height: 2, bits: 8, values: [1, 2, 3, 4], more: { '00081140': ['SQ', items] } });
}

async function refusal(picture: Promise<Pixels>): Promise<DicomError> {
  const error = await picture.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(DicomError);
  return error as DicomError;
}

(present ? describe : describe.skip)('real DICOM files', () => {
  const names = present
    ? Object.keys(JSON.parse(readFileSync(join(real, 'expected.json'), 'utf8')) as Record<string, unknown>)
    : [];

  test.each(names)('%s is the same, picture or defect, as on this thread', async (name) => {
    const bytes = readFileSync(join(real, name));
    const here = await (async () => DicomImage.parse(bytes).display())().catch((error: unknown) => error as DicomError);
    const there = pool.picture(Buffer.from(bytes), 0);
    if (here instanceof DicomError) {
      const { defect, message, code, field } = here;
      const error = await refusal(there);
      expect(error).toMatchObject({ defect, message, code, field });
      expect(error).not.toHaveProperty('cause');
      return;
    }
    const { data, ...shape } = await there;
    expect(shape).toEqual({ width: here.width, height: here.height, channels: here.channels, sampleType: 'uint8' });
    expect(Buffer.compare(data, here.data)).toBe(0);
  });
});

test('a segmentation is white where it was drawn', async () => {
  const frames = [{ of: '1.1', foreground: [0, 3] }];
  const bytes = segmentationDicom({ width: 2, height: 2, looked: ['1.1'], frames });
  const picture = { sopInstanceUid: '1.1', frame: 0, frames: 1 };
  const { mask } = await DicomSegmentation.parse(bytes).mask(picture);
  expect(await shown(pool.segmentation(Buffer.from(bytes), picture))).toEqual([...mask].map((one) => one * 255));
  const other = { sopInstanceUid: '1.2', frame: 0, frames: 1 };
  expect(await refusal(pool.segmentation(bytes, other))).toMatchObject({ defect: 'FRAME' });
});

test('a file of several frames is refused where the only one is wanted', async () => {
  const bytes = (): Buffer => greyDicom({ width: 2, height: 1, bits: 8, frames: 2, values: [1, 2, 3, 4] });
  expect(await refusal(pool.picture(bytes()))).toMatchObject({
    defect: 'FRAME',
    message: 'The DICOM file has 2 frames, where one picture is needed.',
  });
  expect(await shown(pool.picture(bytes(), 1))).toEqual([3, 4]);
});

test('stored values come with how they were encoded, from one parse of the file', async () => {
  const one = new DecodePool({ threads: 1 });
  const more = { '00280101': ['US', [12]], '00280102': ['US', [11]], '00280103': ['US', [1]] } as const;
  const stored = await one.stored(greyDicom({ width: 2, height: 1, values: [1, 0xfff], more }));
  expect([...stored.values]).toEqual([1, -1]);
  expect(stored).toMatchObject({ lossy: false, bitsStored: 12, signed: true, width: 2, height: 1, kind: 'grey' });
  expect(one.parsedFiles).toBe(1);
});

test('no more threads than allowed decode whatever comes, and each caller gets its own picture', async () => {
  const two = new DecodePool({ threads: 2 });
  expect(two.size).toBe(0);
  const pictures = Array.from({ length: 12 }, (_, first) => shown(two.picture(small(first))));
  expect(two.size).toBe(2);
  expect(await Promise.all(pictures)).toEqual(Array.from({ length: 12 }, (_, first) => [first, 1, 2, 3]));
  expect(two.size).toBe(2);
});

test('threads begin only when none is free', async () => {
  const many = new DecodePool({ threads: 8 });
  for (const first of [1, 2, 3]) await many.picture(small(first));
  expect(many.size).toBe(1);
});

test('threads that have nothing to do end, whenever the next file comes', async () => {
  const hasty = new DecodePool({ threads: 1, idleMs: 1 });
  for (let round = 0; round < 10; round += 1) {
    expect(await shown(hasty.picture(small(round)))).toEqual([round, 1, 2, 3]);
    await setTimeout(round % 3);
  }
  while (hasty.size > 0) await setTimeout(1);
  expect(await shown(hasty.picture(small(1)))).toEqual([1, 1, 2, 3]);
});

test('this thread goes on while another one decodes', async () => {
  let done = false;
  let turns = 0;
  const turn = (): void => {
    turns += 1;
    if (!done) setImmediate(turn);
  };
  const picture = pool.picture(large());
  setImmediate(turn);
  const { data } = await picture;
  done = true;
  expect(data).toHaveLength(16_000_000);
  // The decoder pauses nowhere: on this thread it would leave a handful of turns.
  expect(turns).toBeGreaterThan(100);
});

test('bytes move to the thread where they are alone in their buffer, and are copied where they are not', async () => {
  const alone = Buffer.from(new Uint8Array(small(7)).buffer);
  const shared = Buffer.alloc(1000);
  const part = shared.subarray(10, 10 + small(8).copy(shared, 10));
  expect(await shown(pool.picture(alone))).toEqual([7, 1, 2, 3]);
  expect(await shown(pool.picture(part))).toEqual([8, 1, 2, 3]);
  expect(alone).toHaveLength(0);
  expect(part.equals(small(8))).toBe(true);
});

test('a file that needs too long is refused, and the next ones decode on a new thread', async () => {
  const one = new DecodePool({ threads: 1 });
  await one.picture(small(1));
  const slow = refusal(one.picture(large(), 0, 1));
  const next = shown(one.picture(small(5)));
  expect(await slow).toMatchObject({
    defect: 'PIXEL_DECODE',
    code: 'UNSUPPORTED_IMAGE',
    message: 'Decoding the DICOM image took longer than 0.001 s.',
  });
  expect(await next).toEqual([5, 1, 2, 3]);
  expect(one.size).toBe(1);
});

describe('a file that nobody waits for any more', () => {
  const ofCancelled = (frame: Promise<unknown>): Promise<unknown> =>
    frame.then(
      () => 'decoded',
      (error: { code?: string }) => error.code,
    );

  test('is never begun, wherever it waits', async () => {
    const one = new DecodePool({ threads: 1 });
    const [aborted, cancelled] = [new AbortController(), new AbortController()];
    aborted.abort();
    expect(await ofCancelled(one.frame(small(1), 0, { signal: aborted.signal }))).toBe('CANCELLED');
    expect(one.size).toBe(0);
    const first = one.picture(large());
    const second = ofCancelled(one.frame(small(2), 0, { signal: cancelled.signal }));
    const third = shown(one.picture(small(3)));
    cancelled.abort();
    expect(await second).toBe('CANCELLED');
    expect((await first).data).toHaveLength(16_000_000);
    expect(await third).toEqual([3, 1, 2, 3]);
    expect(one.parsedFiles).toBe(2);
  });

  test('is given up where it was begun, and the next ones are decoded', async () => {
    const one = new DecodePool({ threads: 1 });
    await one.picture(small(1));
    const cancelled = new AbortController();
    let begun = true;
    const frame = ofCancelled(one.frame(large(), 0, { signal: cancelled.signal }));
    const next = shown(one.picture(small(5))).finally(() => (begun = false));
    cancelled.abort();
    expect(await frame).toBe('CANCELLED');
    // At once, not when the thread is done.
    expect(begun).toBe(true);
    expect(await next).toEqual([5, 1, 2, 3]);
    expect(one.size).toBe(1);
  });

  test('leaves no listener behind once it is decoded', async () => {
    const one = new DecodePool({ threads: 1 });
    const { signal } = new AbortController();
    await one.frame(small(1), 0, { signal });
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  });
});

test('a file on which its thread dies is refused, and the next ones decode on a new thread', async () => {
  const narrow = new DecodePool({ threads: 1, heapMb: 24 });
  expect(await shown(narrow.picture(small(4)))).toEqual([4, 1, 2, 3]);
  const deadly = refusal(narrow.picture(manyItems()));
  const next = shown(narrow.picture(small(5)));
  expect(await deadly).toMatchObject({
    defect: 'PIXEL_DECODE',
    message: 'Decoding the DICOM image ended its thread (ERR_WORKER_OUT_OF_MEMORY).',
  });
  expect(await next).toEqual([5, 1, 2, 3]);
  // Only the heap of the first pool was too small for it.
  expect(await shown(pool.picture(manyItems()))).toEqual([1, 2, 3, 4]);
});

test('a process loads no codec, waits for its files, and ends while its threads are idle', async () => {
  const grey = sharp(Buffer.alloc(64, 9), { raw: { width: 8, height: 8, channels: 1 } }).toColourspace('b-w');
  const image = greyElements({ width: 8, height: 8, bits: 8 });
  const jpeg = dicomFile(image, '1.2.840.10008.1.2.4.50', [await grey.jpeg().toBuffer()]);
  const path = join(folder, 'jpeg.dcm');
  writeFileSync(path, jpeg);
  const code = `
    const { readFileSync } = require('node:fs');
    const { DecodePool } = require(${JSON.stringify(join(root, 'services/imaging/dicom/index.ts'))});
    const pool = new DecodePool();
    let pixels = 0;
    pool.picture(readFileSync(${JSON.stringify(path)})).then(({ data }) => (pixels = data.length));
    process.once('beforeExit', () => {
      const codecs = Object.keys(require.cache).filter((file) => file.includes('dcmjs-codecs'));
      console.log(JSON.stringify({ pixels, codecs, threads: pool.size }));
    });`;
  const register = join(root, 'tests/support/stack-register.cjs');
  const { stdout } = await promisify(execFile)(process.execPath, ['-r', register, '-e', code]);
  expect(JSON.parse(stdout)).toEqual({ pixels: 64, codecs: [], threads: 1 });
});
