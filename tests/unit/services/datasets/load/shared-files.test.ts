// Files that several samples need: how often they are read and parsed, by count.

import { createHash } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DecodePool, DicomImage } from '../../../../../services/imaging/dicom';
import type { Sample } from '../../../../../services/datasets/samples/sample';
import {
  decodeInOrder,
  decodeSample,
  imageDigestOf,
  type DecodedSample,
} from '../../../../../services/datasets/load/load-samples';
import { SharedFiles } from '../../../../../services/datasets/load/shared-files';
import { readData } from '../../../../../services/datasets/layouts/read-data';
import { temporaryFolder } from '../../../../support/data';
import { segmentationDicom } from '../../../../support/dicom';
import { SIDE, slice } from '../../../../support/dicom-slices';
import { writeTree } from '../../../../support/tree';

const root = temporaryFolder();
const FRAMES = 12;
const volume = (uid = '1.1'): Buffer => slice({ uid, frames: FRAMES });
const drawn = (uid = '1.1'): Buffer =>
  segmentationDicom({
    width: SIDE,
    height: SIDE,
    looked: [uid],
    frames: Array.from({ length: FRAMES }, (_, at) => ({ of: uid, frame: at + 1, foreground: [at] })),
  });

function shared(bytes: Buffer): Buffer {
  const copy = Buffer.from(new SharedArrayBuffer(bytes.length));
  bytes.copy(copy);
  return copy;
}

async function samplesOf(...files: [string, Buffer][]): Promise<Sample[]> {
  const { parts, problems } = await readData({ task: 'segmentation', data: writeTree(root, ...files) });
  expect(problems).toEqual([]);
  return parts.train;
}

test.each([1, 4])('a volume and its segmentation are read once in a pass, %i frames at a time', async (parallel) => {
  const samples = await samplesOf(
    ['images/1.dcm', volume()],
    ['masks/1.dcm', drawn()],
    ['images/2.dcm', volume('1.2')],
    ['masks/2.dcm', drawn('1.2')],
  );
  const files = new SharedFiles();
  const results: DecodedSample[] = [];
  for await (const result of decodeInOrder(samples, { parallel, files })) results.push(result as DecodedSample);
  expect(results).toHaveLength(2 * FRAMES);
  expect(files.reads).toBe(4);
  // What each says is what it says alone.
  for (const at of [0, 5, FRAMES + 3]) {
    const alone = await decodeSample(samples[at]!);
    const { digest, imageDigest, masks, pixels } = results[at]!;
    expect({ digest, imageDigest, masks, pixels }).toEqual({
      digest: alone.digest,
      imageDigest: alone.imageDigest,
      masks: alone.masks,
      pixels: alone.pixels,
    });
    expect([...masks!].indexOf(1)).toBe(at % FRAMES);
  }
});

test('digests of frames need one reading, and are those of the file and the frame', async () => {
  const bytes = volume('1.3');
  const path = join(root, 'volume.dcm');
  writeFileSync(path, bytes);
  const files = new SharedFiles();
  for (let frame = 0; frame < FRAMES; frame += 1) {
    const digest = await imageDigestOf({ name: `v#${frame}`, imagePath: path, frame, label: 0 }, files);
    expect(digest).toBe(createHash('sha256').update(bytes).update(`frame ${frame}`).digest('hex'));
  }
  expect(files.reads).toBe(1);
});

test('no more is kept than may be, and what cannot be read is tried again', async () => {
  const paths = ['a', 'b', 'c'].map((name) => join(root, name));
  for (const path of paths) writeFileSync(path, Buffer.alloc(100));
  const files = new SharedFiles(250);
  const read = (...which: number[]): Promise<unknown> =>
    which.reduce<Promise<unknown>>((before, at) => before.then(() => files.read(paths[at]!)), Promise.resolve());
  await read(0, 1, 0, 1);
  expect(files.reads).toBe(2);
  // The first was used longest ago.
  await read(2, 1, 0);
  expect(files.reads).toBe(4);
  rmSync(paths[2]!);
  await expect(read(2)).rejects.toThrow('ENOENT');
  writeFileSync(paths[2]!, Buffer.alloc(100));
  await read(2);
  expect(files.reads).toBe(6);
});

describe('a thread', () => {
  const shownBy = async (bytes: Buffer, frame: number): Promise<Buffer> =>
    Buffer.from((await DicomImage.parse(bytes).display(frame)).data);

  it('parses a file in shared memory once, whatever is asked of it', async () => {
    const pool = new DecodePool({ threads: 1 });
    const [first, second, mask] = [volume(), volume('1.2'), drawn()];
    const [sharedFirst, sharedSecond, sharedMask] = [shared(first), shared(second), shared(mask)];
    const order = Array.from({ length: FRAMES }, (_, at) => (at * 5) % FRAMES);
    for (const frame of order) {
      const { data } = await pool.picture(sharedFirst, frame);
      expect(Buffer.from(data).equals(await shownBy(first, frame))).toBe(true);
      const source = { sopInstanceUid: '1.1', frame, frames: FRAMES };
      expect((await pool.segmentation(sharedMask, source)).data.indexOf(255)).toBe(frame);
    }
    expect(pool.parsedFiles).toBe(2);
    expect(sharedFirst.equals(first)).toBe(true);
    await pool.picture(sharedSecond, 0);
    await pool.picture(sharedSecond, 1);
    expect(pool.parsedFiles).toBe(3);
    // Of others nobody knows whether they are the same.
    await pool.picture(Buffer.from(first), 0);
    await pool.picture(Buffer.from(first), 1);
    expect(pool.parsedFiles).toBe(5);
  });

  it('is one of several that share the frames of a file', async () => {
    const pool = new DecodePool({ threads: 2 });
    const bytes = volume();
    const one = shared(bytes);
    await Promise.all(Array.from({ length: FRAMES }, (_, frame) => pool.picture(one, frame)));
    expect(pool.parsedFiles).toBeLessThanOrEqual(2);
  });
});
