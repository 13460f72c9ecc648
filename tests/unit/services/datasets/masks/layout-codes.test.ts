import { checkData, type DataReport } from '../../../../../services/checks/check-data';
import { readData, resolveSource } from '../../../../../services/datasets/layouts/read-data';
import { temporaryFolder } from '../../../../support/data';
import { GREY, png } from '../../../../support/images';
import { discImage } from '../../../../support/stack-images';
import { writeTree } from '../../../../support/tree';

const root = temporaryFolder();
const SIDE = 20;
const IMAGES = 3;

/** Background, a disc of 12 x 12 pixels, and in it a cup of 4 x 4 that touches its edge. */
function fundus(background: number, disc: number, cup: number): Buffer {
  const values = Array.from({ length: SIDE * SIDE }, (_, at) => {
    const [x, y] = [at % SIDE, Math.floor(at / SIDE)];
    const within = (from: number, to: number): boolean => x >= from && x < to && y >= from && y < to;
    return within(4, 8) ? cup : within(4, 16) ? disc : background;
  });
  return png(SIDE, SIDE, GREY, 8, Buffer.from(values));
}

async function check(mask: Buffer): Promise<DataReport> {
  const files: [string, Buffer][] = [];
  for (let at = 0; at < IMAGES; at += 1) {
    files.push([`Training400/n000${at}.png`, (await discImage(SIDE, SIDE, at)).png]);
    files.push([`Annotation-Training400/Disc_Cup_Masks/n000${at}.png`, mask]);
  }
  const source = await resolveSource({ task: 'segmentation', data: writeTree(root, ...files) });
  return checkData(await readData(source));
}

const errors = ({ findings }: DataReport): string[] =>
  findings.filter(({ severity }) => severity === 'error').map(({ message }) => message);

it.each([
  ['published values', fundus(255, 128, 0)],
  ['numbers', fundus(0, 1, 2)],
])('reads disc and cup by %s', async (_, mask) => {
  const report = await check(mask);
  expect(errors(report)).toEqual([]);
  expect(report.parts.train.foreground?.max).toBe((144 + 16) / (2 * SIDE * SIDE));
});

it.each([
  ['values that are swapped', fundus(255, 0, 128)],
  ['numbers that are swapped', fundus(0, 2, 1)],
  ['a cup in the place of the disc', fundus(255, 0, 0)],
])('refuses %s, which lie inside out', async (_, mask) => {
  expect(errors(await check(mask))).toContainEqual(expect.stringMatching(/inner structures inside/));
});

it('refuses a set on which one structure is never drawn', async () => {
  expect(errors(await check(fundus(0, 1, 1)))).toContainEqual(
    expect.stringMatching(/every mask of structure 2 is empty/),
  );
});
