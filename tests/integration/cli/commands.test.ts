import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { run } from '../../../services/cli/main';
import { decodeMask, encodeMaskPng } from '../../../services/imaging/mask';
import { FakeGateway } from './fake-gateway';

let folder: string;
let gateway: FakeGateway;
let address: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'automed-cli-'));
  gateway = new FakeGateway();
  address = await gateway.start();
});

afterAll(() => {
  gateway.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** Runs a command line in this process; resolves to what it wrote. */
async function automed(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const written = { out: '', err: '' };
  const spies = [
    jest.spyOn(process.stdout, 'write').mockImplementation((text) => ((written.out += String(text)), true)),
    jest.spyOn(process.stderr, 'write').mockImplementation((text) => ((written.err += String(text)), true)),
  ];
  try {
    return { code: await run(args), ...written };
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}

async function grey(name: string, level: number, width = 8, height = 4): Promise<string> {
  const path = join(folder, name);
  mkdirSync(join(path, '..'), { recursive: true });
  const pixels = Buffer.alloc(width * height, level);
  await sharp(pixels, { raw: { width, height, channels: 1 } })
    .toColourspace('b-w')
    .png()
    .toFile(path);
  return path;
}

describe('automed segment', () => {
  it('says in one line what was found, and writes mask and overlay', async () => {
    const image = await grey('a.png', 90);
    const mask = join(folder, 'out', 'mask.png');
    const overlay = join(folder, 'out', 'overlay.png');
    const { code, out, err } = await automed(
      ...['segment', image, '--model', 'disc', '--mask', mask, '--overlay', overlay, '--address', address],
    );
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toBe(
      `${image}: disc covers 50.0 % (16 px) of 8 x 4, box 0,0 4 x 4, mean probability 0.75, 13 ms -> ${mask}, ${overlay}\n`,
    );
    const drawn = await decodeMask(readFileSync(mask));
    expect([...drawn.mask.subarray(0, 8)]).toEqual([1, 1, 1, 1, 0, 0, 0, 0]);
    expect(await sharp(overlay).metadata()).toMatchObject({ width: 8, height: 4 });
  });

  it('prints exactly one JSON document, with the identity of the weights', async () => {
    const image = await grey('a.png', 90);
    const { code, out } = await automed(
      ...['segment', image, image, '--model', 'disc@3', '--threshold', '0.25', '--json', '--address', address],
    );
    const document = JSON.parse(out) as { images: Record<string, unknown>[] };
    expect(code).toBe(0);
    expect(document.images).toHaveLength(2);
    expect(document.images[0]).toMatchObject({
      image,
      area_px: 16,
      bounding_box: { x_px: 0, y_px: 0, width_px: 4, height_px: 4 },
      threshold: 0.25,
      model: { name: 'disc', version: 3, precision: 'float32' },
    });
  });

  it('answers the good images, names the bad ones and fails', async () => {
    const good = await grey('good.png', 10);
    const bad = join(folder, 'bad.png');
    writeFileSync(bad, '');
    const missing = join(folder, 'missing.png');
    const { code, out, err } = await automed('segment', good, bad, missing, '--model', 'disc', '--address', address);
    expect(code).toBe(1);
    expect(out).toContain(good);
    expect(err).toContain(`automed: ${missing} does not exist\n`);
    expect(err).toMatch(/automed: 2 of 3 images failed; the first: .*bad\.png: .+\n$/);
  });

  it('says in one line that a model does not exist and where to look', async () => {
    const image = await grey('a.png', 90);
    const { code, out, err } = await automed('segment', image, '--model', 'ghost', '--address', address);
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toBe(
      'automed: There is no model "ghost"; `automed models list` and `automed bases list` show what there is\n',
    );
  });

  it('says that no gateway answers', async () => {
    const image = await grey('a.png', 90);
    const { code, err } = await automed('segment', image, '--model', 'disc', '--address', '127.0.0.1:1');
    expect(code).toBe(1);
    expect(err).toBe('automed: no gateway answers at 127.0.0.1:1; is the server running? `automed serve` starts one\n');
  });
});

describe('automed classify', () => {
  it('ranks the classes', async () => {
    const [bright, dark] = [await grey('b.png', 200), await grey('d.png', 20)];
    const { code, out } = await automed(
      'classify',
      bright,
      dark,
      '--model',
      'kinds',
      '--top',
      '1',
      '--address',
      address,
    );
    expect(code).toBe(0);
    expect(out.split('\n').sort()).toEqual(['', `${bright}: bright 0.900, 3 ms`, `${dark}: dark 0.800, 3 ms`]);
  });
});

describe('automed evaluate', () => {
  it('measures masks at the original size and leaves out, by name, what cannot be used', async () => {
    const data = join(folder, 'segmentation');
    for (const name of ['half', 'none', 'small']) await grey(join('segmentation', 'images', `${name}.png`), 50);
    mkdirSync(join(data, 'masks'), { recursive: true });
    const left = Uint8Array.from({ length: 32 }, (_, at) => (at % 8 < 4 ? 1 : 0));
    writeFileSync(join(data, 'masks', 'half.png'), await encodeMaskPng(left, 8, 4));
    writeFileSync(join(data, 'masks', 'none.png'), await encodeMaskPng(new Uint8Array(32), 8, 4));
    writeFileSync(join(data, 'masks', 'small.png'), await encodeMaskPng(new Uint8Array(4), 2, 2));
    const { code, out, err } = await automed('evaluate', 'disc', '--data', data, '--json', '--address', address);
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ split: 'all', images: 2, failed: 1, mdsc: 0.5, miou: 0.5 });
    expect(err).toContain('small.png: its mask is 2 x 2, its image 8 x 4');
    const strict = await automed('evaluate', 'disc', '--data', data, '--strict', '--address', address);
    expect(strict.code).toBe(1);
  });

  it('prints accuracy and confusion matrix', async () => {
    for (const [name, level] of Object.entries({ 'bright/1': 250, 'bright/2': 10, 'dark/3': 5, 'dark/4': 6 })) {
      await grey(join('kinds', `${name}.png`), level);
    }
    const { code, out } = await automed('evaluate', 'kinds', '--data', join(folder, 'kinds'), '--address', address);
    expect(code).toBe(0);
    expect(out).toContain('kinds@3 on 4 images (all): accuracy 0.7500');
    expect(out).toMatch(/bright +1 +1\ndark +0 +2\n/);
  });

  it('refuses folders whose classes the model does not know', async () => {
    for (const name of ['cat', 'dog']) await grey(join('pets', name, '1.png'), 5);
    const { code, err } = await automed('evaluate', 'kinds', '--data', join(folder, 'pets'), '--address', address);
    expect(code).toBe(1);
    expect(err).toContain('the folder has the classes cat, dog, but kinds@3 knows bright, dark');
  });
});

describe('automed models', () => {
  it('lists all pages as a table', async () => {
    const { out } = await automed('models', 'list', '--address', address);
    const lines = out.trimEnd().split('\n');
    expect(lines).toHaveLength(4);
    expect(lines[1]).toMatch(/^disc@3 +segmentation +tiny@2 +mdsc 0\.813 +1\.5 MB +production +2023-11-14T22:13:20Z$/);
  });

  it('shows one model as JSON', async () => {
    const { out } = await automed('models', 'show', 'disc@production', '--json', '--address', address);
    expect(JSON.parse(out)).toMatchObject({ name: 'disc', base: 'tiny@2', architecture: { kind: 'sam-automed' } });
  });

  it('sets and removes an alias', async () => {
    expect(await automed('models', 'alias', 'disc', 'staging', '--version', '3', '--address', address)).toEqual({
      code: 0,
      out: 'disc@staging is disc@3\n',
      err: '',
    });
    expect((await automed('models', 'alias', 'disc', 'staging', '--remove', '--address', address)).out).toBe(
      'disc@staging is gone\n',
    );
    expect((await automed('models', 'alias', 'disc', 'staging', '--address', address)).code).toBe(2);
  });

  it('deletes every version only when told so', async () => {
    const calls = gateway.calls.length;
    const { code, err } = await automed('models', 'delete', 'disc', '--address', address);
    expect(code).toBe(2);
    expect(err).toBe('automed: name a version (disc@1), or say --all\n');
    expect(gateway.calls).toHaveLength(calls);
    expect((await automed('models', 'delete', 'disc', '--all', '--address', address)).code).toBe(0);
  });
});

describe('a wrong command line', () => {
  it.each([
    [['segmnt'], /unknown command 'segmnt' \(Did you mean segment\?\)/],
    [['segment', 'a.png'], /required option '--model <model>' not specified/],
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
