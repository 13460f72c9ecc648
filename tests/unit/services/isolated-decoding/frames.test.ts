import { type Duplex, PassThrough } from 'node:stream';
import { readFrames, writeFrame } from '../../../../services/isolated-decoding/frames';

interface Heard {
  frames: [head: unknown, body: number[]][];
  faults: unknown[];
}

function listen(stream: Duplex, mostBytes = 100): Heard {
  const heard: Heard = { frames: [], faults: [] };
  readFrames(stream, {
    mostBytes: () => mostBytes,
    frame: (head, body) => heard.frames.push([head, [...body]]),
    fault: (error) => heard.faults.push(error),
  });
  return heard;
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** What writeFrame() writes, in one piece. */
async function written(head: unknown, body?: Uint8Array): Promise<Buffer> {
  const stream = new PassThrough();
  writeFrame(stream, head, body);
  await settled();
  return stream.read() as Buffer;
}

test('frames arrive as they were written, however they are cut', async () => {
  const bytes = Buffer.concat([await written({ a: 'ä' }, Uint8Array.of(1, 2, 3)), await written(7), await written([])]);
  const expected = [
    [{ a: 'ä' }, [1, 2, 3]],
    [7, []],
    [[], []],
  ];
  for (const size of [1, 2, 7, 11, bytes.length]) {
    const stream = new PassThrough();
    const heard = listen(stream);
    for (let at = 0; at < bytes.length; at += size) stream.write(bytes.subarray(at, at + size));
    await settled();
    await settled();
    expect(heard).toEqual({ frames: expected, faults: [] });
  }
});

test.each([
  ['a body that is longer than it may be', () => written({}, new Uint8Array(101))],
  ['a head that is longer than any', async () => Buffer.from([0, 0, 2, 0, 0, 0, 0, 0])],
  ['lengths with the highest bit set', async () => Buffer.from([1, 0, 0, 128, 0, 0, 0, 128])],
  ['a head that is no JSON', async () => Buffer.from([1, 0, 0, 0, 0, 0, 0, 0, 0x7b])],
])('after %s nothing is read', async (_what, bytes) => {
  const stream = new PassThrough();
  const heard = listen(stream);
  stream.write(await bytes());
  await settled();
  expect([heard.frames, heard.faults.length, stream.destroyed]).toEqual([[], 1, true]);
});
