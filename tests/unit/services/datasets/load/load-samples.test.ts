import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodeMaskPng } from '../../../../../services/imaging/mask';
import { ByteBudget } from '../../../../../services/datasets/load/byte-budget';
import type { Sample } from '../../../../../services/datasets/samples/sample';
import {
  decodeInOrder,
  type DecodedSample,
  type DecodeOptions,
  type UnusableSample,
} from '../../../../../services/datasets/load/load-samples';
import { reportProblems } from '../../../../../services/datasets/samples/progress';
import type { WorkerEvent } from '../../../../../services/worker/protocol/protocol';
import { temporaryFolder } from '../../../../support/data';
import { GREY, png } from '../../../../support/images';

const folder = temporaryFolder();

function file(name: string, bytes: Buffer): string {
  writeFileSync(join(folder, name), bytes);
  return join(folder, name);
}

const image = (width: number, height: number): Buffer => png(width, height, GREY, 8, Buffer.alloc(width * height, 90));

async function all(samples: Sample[], options: DecodeOptions = {}): Promise<(DecodedSample | UnusableSample)[]> {
  const results = [];
  for await (const result of decodeInOrder(samples, options)) results.push(result);
  return results;
}

describe('decodeInOrder', () => {
  it('keeps the order, however long each image takes', async () => {
    const samples = Array.from({ length: 20 }, (_, index): Sample => {
      const side = index % 3 === 0 ? 600 : 8;
      return { name: `n${index}`, imagePath: file(`${index}.png`, image(side, side)), label: 0 };
    });
    expect((await all(samples)).map(({ sample }) => sample.name)).toEqual(samples.map(({ name }) => name));
  });

  it('gives the same samples in the same order whatever the parallelism and the memory', async () => {
    const samples = Array.from({ length: 12 }, (_, index): Sample => {
      const side = index % 4 === 0 ? 300 : 10 + index;
      return { name: `p${index}`, imagePath: file(`p${index}.png`, image(side, side)), label: index % 2 };
    });
    const facts = (results: (DecodedSample | UnusableSample)[]): string[] =>
      results.map((result) => `${result.sample.name} ${'digest' in result ? result.digest : result.problem}`);
    const expected = facts(await all(samples, { parallel: 1 }));
    expect(expected).toHaveLength(12);
    for (const parallel of [2, 3, 8, 64]) {
      for (const limit of [1, 100_000, 1e9]) {
        const budget = new ByteBudget(limit);
        expect(facts(await all(samples, { parallel, budget }))).toEqual(expected);
        // An image of 300 px, which is all that may be held where the limit is below it.
        expect(budget.peak).toBeLessThanOrEqual(Math.max(limit, 90_000));
      }
    }
  });

  it('names what is wrong with a file and goes on', async () => {
    const good = file('good.png', image(4, 3));
    const mask = file('mask.png', await encodeMaskPng(Uint8Array.from([1, ...Array<number>(11).fill(0)]), 4, 3));
    const samples: Sample[] = [
      { name: 'truncated', imagePath: file('cut.png', image(64, 64).subarray(0, 50)), masks: [{ paths: [mask] }] },
      { name: 'absent', imagePath: join(folder, 'absent.png'), masks: [{ paths: [mask] }] },
      { name: 'other size', imagePath: file('wide.png', image(5, 3)), masks: [{ paths: [mask] }] },
      { name: 'bad mask', imagePath: good, masks: [{ paths: [file('text.png', Buffer.from('text'))] }] },
      { name: 'good', imagePath: good, masks: [{ paths: [mask] }] },
    ];
    const results = await all(samples);
    const problems = results.map((result) => ('problem' in result ? result.problem : 'none'));
    expect(problems[0]).toMatch(/damaged or cut short/);
    expect(problems[1]).toMatch(/cannot be read \(ENOENT\)/);
    expect(problems[2]).toBe('its mask is 4 x 3, the image is 5 x 3');
    expect(problems[3]).toMatch(/^its mask cannot be used: /);
    expect(problems[4]).toBe('none');
  });

  it('digests content, so that a changed mask or label shows', async () => {
    const path = file('same.png', image(4, 4));
    const results = await all([
      { name: 'a', imagePath: path, label: 0 },
      { name: 'b', imagePath: path, label: 0 },
      { name: 'c', imagePath: path, label: 1 },
    ]);
    const [a, b, c] = results.map((result) => ('digest' in result ? result.digest : ''));
    expect(a).toBe(b);
    expect(a).not.toBe(c);
  });
});

describe('reportProblems', () => {
  const problems = [{ name: 'a.png', problem: 'is damaged' }];

  it('names every file in the log', () => {
    const events: WorkerEvent[] = [];
    reportProblems(problems, false, (event) => events.push(event));
    expect(events).toEqual([{ type: 'log', level: 'warn', message: 'left out a.png: is damaged' }]);
  });

  it('stops a strict run', () => {
    expect(() => reportProblems(problems, true, () => undefined)).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT', field: 'data', message: expect.stringContaining('a.png') }),
    );
  });
});
