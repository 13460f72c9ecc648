import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TrainerPort } from '../../../../../../services/worker/domain/ports/trainer';
import { loadSamples, type LoadOptions } from '../../../../../../services/worker/domain/data/load-data';
import { listSamples } from '../../../../../../services/datasets/split/divide';
import type { WorkerEvent } from '../../../../../../services/worker/protocol/protocol';
import { temporaryFolder } from '../../../../../support/data';
import { discImage } from '../../../../../support/stack-images';
import { writeTree } from '../../../../../support/tree';

const root = temporaryFolder();

/** Takes samples and keeps nothing: what is loaded matters here, not what is learnt from it. */
function sink(): { trainer: TrainerPort; added: string[] } {
  const added: string[] = [];
  const trainer = {
    addClassificationSample: async (part: string, _pixels: unknown, label: number) =>
      Promise.resolve(added.push(`${part} ${label}`) - 1),
  };
  return { trainer: trainer as unknown as TrainerPort, added };
}

async function twoClasses(): Promise<string> {
  const files: [string, Buffer][] = [];
  for (const part of ['train', 'val', 'test']) {
    for (const name of ['bright', 'dark']) {
      for (const copy of [1, 2, 3]) {
        files.push([`${part}/${name}/${copy}.png`, (await discImage(12, 10, files.length + 1)).png]);
      }
    }
  }
  return writeTree(root, ...files);
}

async function load(
  data: string,
  options: Partial<LoadOptions> = {},
): Promise<{ events: WorkerEvent[]; added: string[] }> {
  const events: WorkerEvent[] = [];
  const { trainer, added } = sink();
  const spec = { task: 'classification', data, validationFraction: 0.2, seed: 0, strict: false } as const;
  await loadSamples(await listSamples(spec), trainer, {
    strict: false,
    signal: new AbortController().signal,
    emit: (event) => events.push(event),
    ...options,
  });
  return { events, added };
}

const messages = (events: readonly WorkerEvent[]): string[] =>
  events.flatMap((event) => (event.type === 'log' ? [event.message] : []));

it('the loader loads sound data without a word', async () => {
  const { events, added } = await load(await twoClasses(), { refuseProblems: true });
  expect([messages(events), added.length]).toEqual([[], 18]);
});

it('the loader finds in a part of a folder nothing of the files that it does not use', async () => {
  const data = await twoClasses();
  const problems = [1, 2, 3, 4].map((copy) => ({ name: `train/dark/${copy}`, problem: 'cannot be paired' }));
  const listed = await listSamples({
    ...{ task: 'classification', data, validationFraction: 0.2, seed: 0, strict: false },
    limit: 9,
  });
  const folder = { ...listed, problems };
  const told = async (whole: boolean): Promise<string[]> => {
    const events: WorkerEvent[] = [];
    const emit = (event: WorkerEvent): unknown => events.push(event);
    const signal = new AbortController().signal;
    const options = { strict: false, refuseProblems: true, whole, signal, emit };
    await loadSamples(folder, sink().trainer, options);
    return messages(events);
  };
  await expect(told(true)).rejects.toMatchObject({ message: expect.stringContaining('4 of 13 files cannot be used') });
  // They are named all the same.
  expect(await told(false)).toEqual(problems.map(({ name, problem }) => `left out ${name}: ${problem}`));
});

it('the loader refuses a picture on both sides of a split, naming its files, unless it is told otherwise', async () => {
  const data = await twoClasses();
  copyFileSync(join(data, 'train/dark/1.png'), join(data, 'test/dark/9.png'));
  await expect(load(data, { refuseProblems: true })).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
    field: 'data',
    message: expect.stringMatching(/the same picture is in train and test: train\/dark\/1\.png, test\/dark\/9\.png/),
  });
  const { events, added } = await load(data);
  expect(messages(events)).toEqual([expect.stringContaining('the same picture is in train and test')]);
  expect(added).toHaveLength(19);
});

it('the loader refuses one picture in two classes, and warns of copies in one', async () => {
  const data = await twoClasses();
  copyFileSync(join(data, 'train/dark/1.png'), join(data, 'train/dark/8.png'));
  expect(messages((await load(data, { refuseProblems: true })).events)).toEqual([
    'the same picture more than once: train/dark/1.png, train/dark/8.png',
  ]);
  copyFileSync(join(data, 'train/dark/1.png'), join(data, 'train/bright/9.png'));
  await expect(load(data, { refuseProblems: true })).rejects.toMatchObject({
    message: expect.stringMatching(/the same picture with different answers: train\/bright\/9\.png/),
  });
});
