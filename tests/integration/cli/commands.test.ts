// The commands in this process, against the gateway and the inference service as processes, with models of random weights.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { decodeMask, encodeMaskPng } from '../../../services/imaging/mask';
import { maskOverlap } from '../../../services/scoring/metrics/metrics';
import { runCommand as automed } from '../../support/cli';
import { temporaryFolder } from '../../support/data';
import { greyDicom } from '../../support/dicom';
import { startProgram, type Program } from '../../support/stack';
import { discImage } from '../../support/stack-images';
import { CLASSES, makeStore } from '../../support/stack-store';

const [WIDTH, HEIGHT] = [60, 40];
const folder = temporaryFolder();
let inference: Program;
let gateway: Program;
let address: string[];

beforeAll(async () => {
  const home = join(folder, 'home');
  const store = await makeStore(home);
  for (const seed of [2, 3, 4]) await store.addSegmentation('disc', seed);
  await store.addSegmentation('optic', 5, ['disc', 'cup']);
  await store.addClassification('kinds');
  inference = await startProgram('inference', { AUTOMED_HOME: home });
  gateway = await startProgram('gateway', {
    AUTOMED_SEGMENTATION_BACKENDS: inference.address,
    AUTOMED_CLASSIFICATION_BACKENDS: inference.address,
  });
  address = ['--address', gateway.address];
});

afterAll(async () => {
  await gateway.stop();
  await inference.stop();
});

async function picture(name: string, seed = 1): Promise<string> {
  const path = join(folder, name);
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, (await discImage(WIDTH, HEIGHT, seed)).png);
  return path;
}

interface MaskAnswer {
  structure: string;
  area_px: number;
  area_mm2?: number | null;
  bounding_box: { x_px: number; y_px: number; width_px: number; height_px: number } | null;
  mean_foreground_probability: number | null;
  file: string;
}

interface SegmentAnswer {
  image: string;
  masks: MaskAnswer[];
  threshold: number;
  model: { name: string; version: number; precision: string; weights_sha256: string };
}

/** What `segment --json` says of the images, and the masks that it wrote. */
async function segmented(images: string[], ...options: string[]): Promise<{ answer: MaskAnswer; mask: Uint8Array }[]> {
  const masks = join(folder, 'masks-of-the-test');
  mkdirSync(masks, { recursive: true });
  const { code, out, err } = await automed(
    ...['segment', ...images, '--mask', `${masks}/`, '--json', '--model', 'disc', ...options, ...address],
  );
  expect({ code, err }).toEqual({ code: 0, err: '' });
  const answers = (JSON.parse(out) as { images: SegmentAnswer[] }).images.flatMap((image) => image.masks);
  return Promise.all(
    answers.map(async (answer) => ({ answer, mask: (await decodeMask(readFileSync(answer.file))).mask })),
  );
}

/** A threshold that the random weights answer with neither nothing nor everything. */
async function usefulThreshold(image: string, model = 'disc'): Promise<string> {
  for (let threshold = 0.02; threshold < 1; threshold += 0.02) {
    const [{ answer } = { answer: { area_px: 0 } }] = await segmented(
      [image],
      ...['--model', model, '--threshold', threshold.toFixed(2)],
    );
    if (answer.area_px > 0.1 * WIDTH * HEIGHT && answer.area_px < 0.9 * WIDTH * HEIGHT) return threshold.toFixed(2);
  }
  throw new Error('the random weights draw all or nothing');
}

describe('automed segment', () => {
  it('says in one line what was found, and writes mask and overlay', async () => {
    const image = await picture('a.png');
    const threshold = await usefulThreshold(image);
    const [{ answer } = {} as { answer: MaskAnswer }] = await segmented([image], '--threshold', threshold);
    const { x_px: left = 0, y_px: top = 0, width_px: width = 0, height_px: height = 0 } = answer.bounding_box ?? {};
    const [mask, overlay] = [join(folder, 'mask.png'), join(folder, 'overlay.png')];
    const { code, out, err } = await automed(
      ...['segment', image, '--model', 'disc', '--threshold', threshold, '--mask', mask, '--overlay', overlay],
      ...address,
    );
    expect({ code, err }).toEqual({ code: 0, err: '' });
    const share = ((100 * answer.area_px) / (WIDTH * HEIGHT)).toFixed(1);
    expect(out.replace(/\d+ ms/, 'N ms')).toBe(
      `${image}: polyp covers ${share} % (${answer.area_px} px) of 60 x 40, box ${left},${top} ${width} x ${height}, ` +
        `mean probability ${answer.mean_foreground_probability?.toFixed(2)}, N ms -> ${mask}, ${overlay}\n`,
    );
    const drawn = await decodeMask(readFileSync(mask));
    expect(drawn.mask.reduce((sum, value) => sum + value, 0)).toBe(answer.area_px);
    expect(await sharp(overlay).metadata()).toMatchObject({ width: WIDTH, height: HEIGHT });
  });

  it('prints exactly one JSON document, with the identity of the weights', async () => {
    const image = await picture('a.png');
    const { code, out } = await automed(
      ...['segment', image, image, '--model', 'disc@2', '--threshold', '0.25', '--json', ...address],
    );
    const document = JSON.parse(out) as { images: SegmentAnswer[] };
    expect(code).toBe(0);
    expect(document.images).toHaveLength(2);
    expect(document.images[0]).toMatchObject({
      image,
      threshold: 0.25,
      model: {
        name: 'disc',
        version: 2,
        precision: 'float32',
        weights_sha256: expect.stringMatching(/^[0-9a-f]{64}$/) as unknown,
      },
    });
  });

  it('takes DICOM files in whatever name, chooses a frame, and tells areas in square millimetres', async () => {
    const [file, overlay] = [join(folder, '1.2.3.45'), join(folder, 'frame.png')];
    const values = Array.from({ length: 2 * WIDTH * HEIGHT }, (_, at) => (at < WIDTH * HEIGHT ? at % 7 : at % 251));
    const more = { '00280030': ['DS', '0.5\\0.5'] } as const;
    writeFileSync(file, greyDicom({ width: WIDTH, height: HEIGHT, bits: 8, frames: 2, values, more }));
    const ask = ['segment', file, '--model', 'disc', '--threshold', '0.1', '--overlay', overlay];
    const { code, out, err } = await automed(...ask, '--frame', '2', '--json', ...address);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    const { images } = JSON.parse(out) as { images: (SegmentAnswer & { dicom_frame: object })[] };
    expect(images[0]?.dicom_frame).toMatchObject({
      frame_number: 2,
      frame_count: 2,
      sop_instance_uid: '1.2.3.4',
      pixel_spacing: { column_mm: 0.5, row_mm: 0.5 },
      pixel_spacing_origin: 'patient',
    });
    const { area_px: area = 0, area_mm2: size } = images[0]?.masks[0] ?? {};
    expect(size).toBeCloseTo(area / 4, 9);
    // Where nothing is drawn the overlay shows the frame itself.
    const bare = await automed(...ask, '--threshold', '0.999999', '--frame', '2', ...address);
    expect(bare.out).toContain('frame 2 of 2');
    const shown = await sharp(overlay).raw().toBuffer();
    const frame = values.slice(WIDTH * HEIGHT);
    expect(frame.map((_, at) => shown[at * 3])).toEqual(frame);
    const beyond = await automed(...ask, '--frame', '3', ...address);
    expect([beyond.code, beyond.err]).toEqual([1, expect.stringContaining('2 frame(s); there is no frame 3')]);
  });

  it('answers the good images, names the bad ones and fails', async () => {
    const good = await picture('good.png');
    const bad = join(folder, 'bad.png');
    writeFileSync(bad, '');
    const missing = join(folder, 'missing.png');
    const { code, out, err } = await automed('segment', good, bad, missing, '--model', 'disc', ...address);
    expect(code).toBe(1);
    expect(out).toContain(good);
    expect(err).toContain(`automed: ${missing} does not exist\n`);
    expect(err).toMatch(/automed: 2 of 3 images failed; the first: .*bad\.png: .+\n$/);
  });

  it('says in one line that a model does not exist and where to look', async () => {
    const image = await picture('a.png');
    const { code, out, err } = await automed('segment', image, '--model', 'ghost', ...address);
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toBe(
      'automed: There is no model "ghost"; known are disc, kinds, optic; `automed models list` shows what there is\n',
    );
  });

  it('says that no gateway answers', async () => {
    const image = await picture('a.png');
    const { code, err } = await automed('segment', image, '--model', 'disc', '--address', '127.0.0.1:1');
    expect(code).toBe(1);
    expect(err).toBe('automed: no gateway answers at 127.0.0.1:1; is the server running? `automed serve` starts one\n');
  });
});

describe('automed classify', () => {
  it('ranks the classes', async () => {
    const image = await picture('b.png', 3);
    const json = await automed('classify', image, '--model', 'kinds', '--json', ...address);
    const [answer] = (JSON.parse(json.out) as { images: { probabilities: Record<string, number> }[] }).images;
    const ranked = Object.entries(answer?.probabilities ?? {}).sort(([, one], [, other]) => other - one);
    expect(ranked.map(([name]) => name).sort()).toEqual(CLASSES);
    const { code, out } = await automed('classify', image, '--model', 'kinds', '--top', '2', ...address);
    expect(code).toBe(0);
    const shown = ranked.slice(0, 2).map(([name, probability]) => `${name} ${probability.toFixed(3)}`);
    expect(out.replace(/\d+ ms/, 'N ms')).toBe(`${image}: ${shown.join(', ')}, N ms\n`);
  });
});

describe('automed evaluate', () => {
  it('measures masks at the original size and leaves out, by name, what cannot be used', async () => {
    const data = join(folder, 'segmentation');
    const images = [await picture('segmentation/images/half.png', 4), await picture('segmentation/images/none.png', 5)];
    await picture('segmentation/images/small.png', 6);
    mkdirSync(join(data, 'masks'), { recursive: true });
    const half = Uint8Array.from({ length: WIDTH * HEIGHT }, (_, at) => (at % WIDTH < WIDTH / 2 ? 1 : 0));
    writeFileSync(join(data, 'masks', 'half.png'), await encodeMaskPng(half, WIDTH, HEIGHT));
    writeFileSync(join(data, 'masks', 'none.png'), await encodeMaskPng(new Uint8Array(half.length), WIDTH, HEIGHT));
    writeFileSync(join(data, 'masks', 'small.png'), await encodeMaskPng(new Uint8Array(4), 2, 2));

    const threshold = ['--threshold', await usefulThreshold(images[0] ?? '')];
    const [first, second] = await segmented(images, ...threshold);
    const both = first?.mask.reduce((sum, value, at) => sum + value * (half[at] ?? 0), 0) ?? 0;
    const dice = (2 * both) / ((first?.answer.area_px ?? 0) + (WIDTH * HEIGHT) / 2);
    const ofNothing = second?.answer.area_px === 0 ? 1 : 0;
    const { code, out, err } = await automed(
      'evaluate',
      ...['disc', '--data', data, '--json', ...threshold, ...address],
    );
    expect(code).toBe(0);
    const report = JSON.parse(out) as { mdsc: number };
    expect(report).toMatchObject({ model: 'disc@3', split: 'all', images: 2, failed: 1 });
    expect(report).toMatchObject({
      intervals: { unit: 'image', units: 2, estimates: { mdsc: { value: report.mdsc } } },
    });
    expect(report.mdsc).toBeCloseTo((dice + ofNothing) / 2, 6);
    expect(err).toContain('small.png: its mask is 2 x 2, the image is 60 x 40');
    // The blank mask has no lesion to miss, and a distance only where nothing was drawn.
    const { estimates } = (JSON.parse(out) as { intervals: { estimates: Record<string, object> } }).intervals;
    expect(estimates['miss_rate']).toEqual({ value: 0, images: 1 });
    expect(estimates['false_alarm_rate']).toEqual({ value: 1 - ofNothing, images: 1 });
    expect(estimates['hd95_px']).toMatchObject(ofNothing === 1 ? { low: 0 } : { images: 1 });
    const strict = await automed('evaluate', 'disc', '--data', data, '--strict', ...threshold, ...address);
    expect(strict.code).toBe(1);
    expect(strict.out).toMatch(/^ {2}miss_rate 0\.0000 \[1 of 2 images\]$/m);
  });

  it('measures each structure against the masks that are named for it', async () => {
    const image = await picture('optic/images/eye.png', 8);
    const data = join(folder, 'optic');
    for (const name of ['masks', 'masks_cup']) mkdirSync(join(data, name), { recursive: true });
    const args = ['--model', 'optic', '--threshold', await usefulThreshold(image, 'optic'), ...address];
    await automed('segment', image, '--mask', join(data, 'drawn.png'), ...args);
    const drawn = (structure: string): Buffer => readFileSync(join(data, `drawn-${structure}.png`));
    expect(drawn('disc').equals(drawn('cup'))).toBe(false);
    writeFileSync(join(data, 'masks', 'eye.png'), drawn('disc'));
    writeFileSync(join(data, 'masks_cup', 'eye.png'), drawn('cup'));

    const measure = async (...options: string[]) => {
      const how = ['--data', data, '--threshold', args[3] ?? '', '--json', ...address];
      return automed('evaluate', 'optic', ...how, ...options);
    };
    const right = await measure('--structures', 'cup=masks_cup,disc=masks');
    expect(JSON.parse(right.out)).toMatchObject({
      images: 1,
      mdsc: 1,
      structures: [
        { name: 'cup', mdsc: 1, miou: 1 },
        { name: 'disc', mdsc: 1, miou: 1 },
      ],
    });
    const swapped = JSON.parse((await measure('--structures', 'disc=masks_cup,cup=masks')).out) as { mdsc: number };
    expect(swapped.mdsc).toBeLessThan(1);
    expect((await measure()).err).toBe(
      'automed: optic@1 draws disc, cup: say where their masks are, --structures disc=FOLDER,cup=FOLDER\n',
    );
    expect((await measure('--structures', 'lens=masks')).err).toBe('automed: optic@1 draws disc, cup, and no lens\n');
  });

  it('reads a CSV file and a published layout as training does, and finds the masks of each structure there', async () => {
    const image = await picture('listed/left/eye.png', 8);
    const threshold = await usefulThreshold(image);
    const drawn = join(folder, 'listed', 'eye-outline.png');
    await automed('segment', image, '--mask', drawn, '--model', 'disc', '--threshold', threshold, ...address);
    const table = join(folder, 'listed', 'cases.csv');
    writeFileSync(
      table,
      'photo,outline,split\nleft/eye.png,eye-outline.png,test\nleft/absent.png,eye-outline.png,train\n',
    );
    const measured = await automed(
      ...['evaluate', 'disc', '--data', table, '--columns', 'image=photo,mask=outline,part=split'],
      ...['--threshold', threshold, '--json', ...address],
    );
    expect(JSON.parse(measured.out)).toMatchObject({ split: 'test', images: 1, mdsc: 1 });

    // One file holds both structures: 0 is the cup, 128 the rest of the disc.
    const fundus = await picture('refuge/Test400/T0001.png', 8);
    const how = ['--threshold', await usefulThreshold(fundus, 'optic'), ...address];
    await automed('segment', fundus, '--model', 'optic', '--mask', join(folder, 'refuge.png'), ...how);
    const [disc, cup] = await Promise.all(
      ['disc', 'cup'].map(async (name) => (await decodeMask(readFileSync(join(folder, `refuge-${name}.png`)))).mask),
    );
    // As in the published masks, the background is all around.
    const isRim = (at: number): boolean =>
      at < WIDTH || at >= WIDTH * (HEIGHT - 1) || at % WIDTH === 0 || at % WIDTH === WIDTH - 1;
    const [drawnDisc, drawnCup] = [disc!, cup!].map((mask) => mask.map((value, at) => (isRim(at) ? 0 : value)));
    const grey = Uint8Array.from(drawnDisc!, (inside, at) => (drawnCup![at] ? 0 : inside ? 128 : 255));
    mkdirSync(join(folder, 'refuge/REFUGE-Test-GT/Disc_Cup_Masks'), { recursive: true });
    await sharp(grey, { raw: { width: WIDTH, height: HEIGHT, channels: 1 } })
      .png()
      .toFile(join(folder, 'refuge/REFUGE-Test-GT/Disc_Cup_Masks/T0001.png'));
    const both = await automed('evaluate', 'optic', '--data', join(folder, 'refuge'), '--json', ...how);
    const report = JSON.parse(both.out) as { structures: { name: string; mdsc: number }[] };
    expect(report).toMatchObject({ split: 'test', images: 1 });
    // The disc of REFUGE includes the cup.
    const joined = drawnDisc!.map((inside, at) => (inside || drawnCup![at] ? 1 : 0));
    expect(report.structures.map(({ name }) => name)).toEqual(['disc', 'cup']);
    expect(report.structures[0]!.mdsc).toBeCloseTo(maskOverlap(disc!, joined).dice, 6);
    expect(report.structures[1]!.mdsc).toBeCloseTo(maskOverlap(cup!, drawnCup!).dice, 6);
    const wrong = await automed('evaluate', 'disc', '--data', join(folder, 'refuge'), ...address);
    expect(wrong).toMatchObject({ code: 1, err: expect.stringContaining('say where their masks are') });
  });

  it('prints accuracy and confusion matrix', async () => {
    const images: string[] = [];
    for (const [at, name] of CLASSES.entries()) {
      for (const copy of [1, 2]) images.push(await picture(`kinds/${name}/${copy}.png`, 10 * at + copy));
    }
    const json = await automed('classify', ...images, '--model', 'kinds', '--json', ...address);
    const predicted = (JSON.parse(json.out) as { images: { predicted_class: string }[] }).images.map((answer) =>
      CLASSES.indexOf(answer.predicted_class),
    );
    const confusion = CLASSES.map(() => CLASSES.map(() => 0));
    for (const [at, column] of predicted.entries()) confusion[Math.floor(at / 2)]![column]! += 1;
    const right = confusion.reduce((sum, row, at) => sum + (row[at] ?? 0), 0);

    const { code, out } = await automed('evaluate', 'kinds', '--data', join(folder, 'kinds'), ...address);
    expect(code).toBe(0);
    expect(out).toContain(`kinds@1 on 6 images (all): accuracy ${(right / 6).toFixed(4)} (`);
    expect(out).toMatch(/^auroc 0\.\d{4} \(0\.\d{4} to [01]\.\d{4}\), average_precision .* brier /m);
    for (const [at, row] of confusion.entries()) {
      expect(out).toMatch(new RegExp(`^${[CLASSES[at], ...row].join(' +')}$`, 'm'));
    }
  });

  it('refuses folders whose classes the model does not know', async () => {
    for (const name of ['cat', 'dog']) await picture(join('pets', name, '1.png'));
    const { code, err } = await automed('evaluate', 'kinds', '--data', join(folder, 'pets'), ...address);
    expect(code).toBe(1);
    expect(err).toContain(`the folder has the classes cat, dog, but kinds@1 knows ${CLASSES.join(', ')}`);
  });
});

describe('automed load', () => {
  it('sends at a rate, and tells latencies from when requests were due', async () => {
    const image = await picture('load/eye.png', 8);
    const how = ['--rate', '20', '--seconds', '1', '--warmup', '0', '--deadline', '60', ...address];
    const { code, out } = await automed('load', image, '--model', 'disc@1', ...how, '--json');
    expect(code).toBe(0);
    const report = JSON.parse(out) as { calls: number; answered: number; latencyMs: { p50: number; p99: number } };
    expect(report).toMatchObject({ model: 'disc@1', rate: 20, errors: [] });
    expect(report.calls).toBeGreaterThan(5);
    expect(report.answered).toBe(report.calls);
    expect(report.latencyMs.p99).toBeGreaterThanOrEqual(report.latencyMs.p50);
    const { out: text } = await automed('load', image, '--model', 'kinds', ...how);
    expect(text).toMatch(/^kinds@1: \d+ requests in 1 s \(20 per second\), \d+ answered/);
    expect(text).toMatch(/^due to answer +[\d.]+/m);
  });

  it('counts what was refused by gRPC status, and fails when nothing was answered', async () => {
    const image = await picture('load/eye.png', 8);
    const how = ['--rate', '50', '--seconds', '0.5', '--warmup', '0', ...address];
    const { code, out, err } = await automed(
      'load',
      image,
      '--model',
      'disc@1',
      ...how,
      '--deadline',
      '0.001',
      '--json',
    );
    expect({ code, err: err.split('\n').at(-2) }).toEqual({ code: 1, err: 'automed: no request was answered' });
    const { errors } = JSON.parse(out) as { errors: { status: string; count: number }[] };
    expect(errors.length).toBeGreaterThan(0);
    for (const { status } of errors) expect(['DEADLINE_EXCEEDED', 'RESOURCE_EXHAUSTED']).toContain(status);
  });

  it('says at once what is wrong with a request', async () => {
    writeFileSync(join(folder, 'no-image.png'), 'text');
    const { code, err } = await automed('load', join(folder, 'no-image.png'), '--model', 'disc', ...address);
    expect(code).toBe(1);
    expect(err).toContain('no image that can be read');
  });
});

describe('automed models', () => {
  it('sets and removes an alias', async () => {
    expect(await automed('models', 'alias', 'disc', 'staging', '--version', '2', ...address)).toEqual({
      code: 0,
      out: 'disc@staging is disc@2\n',
      err: '',
    });
    const shown = await automed('models', 'show', 'disc@staging', '--json', ...address);
    expect(JSON.parse(shown.out)).toMatchObject({
      name: 'disc',
      version: 2,
      base: 'tiny@1',
      aliases: ['staging'],
      architecture: { kind: 'sam-automed' },
    });
    expect((await automed('models', 'alias', 'disc', 'staging', '--remove', ...address)).out).toBe(
      'disc@staging is gone\n',
    );
    expect((await automed('models', 'show', 'disc@staging', ...address)).code).toBe(1);
    expect((await automed('models', 'alias', 'disc', 'staging', ...address)).code).toBe(2);
  });

  it('lists every version as a table', async () => {
    await automed('models', 'alias', 'disc', 'production', '--version', '3', ...address);
    const { out } = await automed('models', 'list', ...address);
    const lines = out.trimEnd().split('\n');
    expect(lines).toHaveLength(6);
    expect(lines.find((line) => line.startsWith('disc@3'))).toMatch(
      /^disc@3 +segmentation +tiny@1 +mdsc 0\.250 +[\d.]+ MB +production +\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/,
    );
  });

  it('deletes every version only when told so', async () => {
    const { code, err } = await automed('models', 'delete', 'disc', ...address);
    expect(code).toBe(2);
    expect(err).toBe('automed: name a version (disc@1), or say --all\n');
    expect((await automed('models', 'show', 'disc@1', ...address)).code).toBe(0);
    const bound = await automed('models', 'delete', 'disc', '--all', ...address);
    expect(bound).toMatchObject({ code: 1, err: expect.stringContaining('production') as unknown });
    await automed('models', 'alias', 'disc', 'production', '--remove', ...address);
    expect((await automed('models', 'delete', 'disc', '--all', ...address)).code).toBe(0);
    expect((await automed('models', 'show', 'disc@1', ...address)).code).toBe(1);
  });
});

describe('a wrong command line', () => {
  it.each([
    [['segmnt'], /unknown command 'segmnt' \(Did you mean segment\?\)/],
    [['segment', 'a.png'], /name a --model, or a --base with --point, --box or --everything/],
    [['segment', 'a.png', '--base', 'b'], /--base needs --point, --box or --everything/],
    [['segment', 'a.png', '--model', 'm', '--point', '1,2'], /need a --base/],
    [['segment', 'a.png', '--base', 'b', '--point', '1'], /must be X,Y or X,Y,LABEL/],
    [['segment', 'a.png', '--base', 'b', '--point', '1,2,3'], /label must be 1/],
    [['segment', 'a.png', '--base', 'b', '--box', '1,2,3,x'], /must be X0,Y0,X1,Y1/],
    [['segment', 'a.png', '--base', 'b', '--everything', '--box', '1,2,3,4'], /takes neither --point nor --box/],
    [['segment', 'a.png', 'b.png', '--base', 'b', '--point', '1,2', '--embedding', 'x'], /is that of one image/],
    [['analyze', 'a.png'], /required option '--model <model>' not specified/],
    [['segment', 'a.png', '--model', 'm', '--threshold', '1'], /must be a number above 0 and below 1/],
    [['serve', '--host', '0.0.0.0'], /other machines could call 0\.0\.0\.0 without authentication/],
    [['serve', '--roles', 'cooking'], /choose among segmentation, classification/],
    [['bases', 'create', 'x', '--arch', 'y'], /Allowed choices are tiny/],
    [['models', 'list', '--address', 'nowhere'], /must be host:port/],
  ])('ends with code 2 and one line: %j', async (args, message) => {
    const { code, out, err } = await automed(...args);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toMatch(/^automed: [^\n]+\n$/);
    expect(err).toMatch(message);
  });

  it('shows the help of a command without error', async () => {
    const { code, out } = await automed('segment', '--help');
    expect(code).toBe(0);
    expect(out).toContain('Examples:');
  });
});
