// The command as people use it: real processes, the real addon, models that it trains itself.

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { writeDemoData, type DemoFolders } from '../../services/synthetic/demo-data';
import { automed, childrenOf, startAutomed, type Running } from '../integration/cli/automed-process';
import { dicomFile, greyDicom, greyElements, type DicomElements } from '../support/dicom';
import { writeTree } from '../support/tree';

jest.setTimeout(600_000);

/** Tests run beside each other; a lone thread does not wait for a second one that got no core. */
const SMALL = ['--batch', '4', '--threads', '1'];

let folder: string;
let home: string[];
let data: DemoFolders;
let images: string[];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'automed-e2e-'));
  home = ['--home', join(folder, 'store')];
  data = await writeDemoData(join(folder, 'data'), { seed: 5, trainCount: 12, testCount: 6 });
  const unseen = join(data.segmentation, 'test', 'images');
  images = readdirSync(unseen)
    .sort()
    .slice(0, 3)
    .map((name) => join(unseen, name));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('training', () => {
  it('makes a base, the same one for the same seed', async () => {
    const { code, out } = await automed('bases', 'create', 'tiny', '--arch', 'tiny', '--seed', '7', ...home);
    expect({ code, out }).toMatchObject({ code: 0, out: expect.stringContaining('created the base tiny@1') });
    await automed('bases', 'create', 'twin', '--arch', 'tiny', '--seed', '7', ...home);
    const list = JSON.parse((await automed('bases', 'list', '--json', ...home)).out) as {
      bases: { weights_sha256: string }[];
    };
    expect(new Set(list.bases.map((base) => base.weights_sha256)).size).toBe(1);
  });

  it('trains a segmentation model together with its encoder, which becomes a version of the base', async () => {
    const { code, out, err } = await automed(
      ...['train', 'segmentation', '--data', data.segmentation, '--base', 'tiny', '--train', 'encoder'],
      ...['--name', 'lesion', '--epochs', '2', ...SMALL, '--structure', 'lesion', '--json', ...home],
    );
    expect({ code, err: code === 0 ? '' : err }).toEqual({ code: 0, err: '' });
    expect(JSON.parse(out)).toMatchObject({ model: 'lesion@1', base: 'lesion@1' });
    expect(err).toContain('lesion: epoch 2/2');
  });

  it('stops at Ctrl-C and continues where it stopped', async () => {
    const args = [
      ...['train', 'segmentation', '--data', data.segmentation, '--base', 'tiny@1', '--name', 'resumed'],
      // Many more epochs than pass while the signal is on its way, however busy the machine is.
      ...['--epochs', '6', ...SMALL, ...home],
    ];
    const first = startAutomed(args);
    await first.says(/epoch 1\/6/);
    first.child.kill('SIGINT');
    expect(await first.ended).toMatchObject({
      code: 130,
      err: expect.stringMatching(/automed: stopped; the same command with --resume continues/),
    });
    const { code, err } = await automed(...args, '--resume');
    expect(code).toBe(0);
    expect(err).toMatch(/resuming at epoch [2-6]\b/);
    expect((await automed('models', 'delete', 'resumed@1', ...home)).code).toBe(0);
  });

  it('trains a classification model on a frozen base', async () => {
    const { code, out } = await automed(
      ...['train', 'classification', '--data', data.classification, '--base', 'lesion', '--name', 'kind'],
      ...['--epochs', '1', ...SMALL, ...home],
    );
    expect(code).toBe(0);
    expect(out).toMatch(
      /^trained kind@1 on lesion@1, validation accuracy [01]\.\d{4} macroF1 [\d.]+, test accuracy .*; report in .+\n$/,
    );
  });

  it('trains a classification model on DICOM files, compressed or not', async () => {
    const files = await Promise.all(
      Array.from({ length: 8 }, async (_, index): Promise<[string, Buffer]> => {
        const side = 24;
        const grey = Uint8Array.from(
          { length: side * side },
          (__, at) => (at % 24 < 12 === index < 4 ? 200 : 30) + index,
        );
        const more: DicomElements = { '00100020': ['LO', `patient ${index}`] };
        const jpeg = sharp(grey, { raw: { width: side, height: side, channels: 1 } })
          .toColourspace('b-w')
          .jpeg();
        const image = { width: side, height: side, bits: 8 } as const;
        return [
          `${index < 4 ? 'left' : 'right'}/${index}.dcm`,
          index % 2
            ? dicomFile({ ...greyElements(image), ...more }, '1.2.840.10008.1.2.4.50', [await jpeg.toBuffer()])
            : greyDicom({ ...image, values: [...grey], more }),
        ];
      }),
    );
    const dicom = writeTree(folder, ...files);
    const { code, out, err } = await automed(
      ...['train', 'classification', '--data', dicom, '--base', 'tiny@1', '--name', 'dicom'],
      ...['--epochs', '1', ...SMALL, '--json', ...home],
    );
    expect({ code, err: code === 0 ? '' : err }).toEqual({ code: 0, err: '' });
    expect(JSON.parse(out)).toMatchObject({ model: 'dicom@1' });
    expect(err).not.toMatch(/left out|patient/);
    const measured = await automed('evaluate', 'dicom', '--data', dicom, '--split', 'all', '--json', ...home);
    expect({ code: measured.code, err: measured.code === 0 ? '' : measured.err }).toEqual({ code: 0, err: '' });
    expect(JSON.parse(measured.out)).toMatchObject({ model: 'dicom@1', images: 8, failed: 0 });
  });

  it('says in one line that a base does not exist', async () => {
    const { code, out, err } = await automed(
      ...['train', 'segmentation', '--data', data.segmentation, '--base', 'ghost', '--name', 'x', ...home],
    );
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toMatch(/^automed: There is no base "ghost"[^\n]*\n$/);
  });

  it('stops at an image that cannot be read when told to be strict', async () => {
    const broken = join(folder, 'broken');
    mkdirSync(join(broken, 'images'), { recursive: true });
    mkdirSync(join(broken, 'masks'), { recursive: true });
    for (const name of ['a', 'b']) {
      writeFileSync(join(broken, 'images', `${name}.png`), 'no image');
      writeFileSync(join(broken, 'masks', `${name}.png`), 'no mask');
    }
    const { code, err } = await automed(
      ...['train', 'segmentation', '--data', broken, '--base', 'tiny', '--name', 'x', '--strict', ...home],
    );
    expect(code).toBe(1);
    expect(err).toContain('a.png');
  });
});

describe('the embedded stack', () => {
  it('answers and is gone afterwards', async () => {
    const { code, out, err } = await automed('classify', ...images, '--model', 'kind', '--json', ...home);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    const document = JSON.parse(out) as {
      images: { predicted_class: string; probabilities: Record<string, number> }[];
    };
    expect(document.images).toHaveLength(3);
    const sum = Object.values(document.images[0]?.probabilities ?? {}).reduce((total, value) => total + value, 0);
    expect(sum).toBeCloseTo(1, 4);
  });

  it('refuses a model of the other task', async () => {
    const { code, err } = await automed('segment', images[0] ?? '', '--model', 'kind', ...home);
    expect(code).toBe(1);
    expect(err).toMatch(/^automed: [^\n]+\n$/);
  });

  it('measures a model on the test part', async () => {
    const { code, out } = await automed('evaluate', 'lesion', '--data', data.segmentation, '--json', ...home);
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ model: 'lesion@1', split: 'test', images: 6, failed: 0 });
  });
});

describe('automed serve', () => {
  let server: Running;
  let address: string;

  beforeAll(async () => {
    server = startAutomed(['serve', '--port', '0', '--metrics-port', '0', ...home]);
    address = /listening on (\S+)/.exec(await server.line(/^listening on/))?.[1] ?? '';
  });

  afterAll(async () => {
    server.child.kill('SIGKILL');
    await server.ended;
  });

  it('gives the same mask, bit for bit, as the embedded stack', async () => {
    const [mine, theirs] = [join(folder, 'mine.png'), join(folder, 'theirs.png')];
    const image = images[0] ?? '';
    expect((await automed('segment', image, '--model', 'lesion', '--mask', mine, ...home)).code).toBe(0);
    expect((await automed('segment', image, '--model', 'lesion', '--mask', theirs, '--address', address)).code).toBe(0);
    expect(readFileSync(theirs).equals(readFileSync(mine))).toBe(true);
  });

  it('says in one line that its port is taken', async () => {
    const port = address.split(':')[1] ?? '';
    // Without training: a store has one training service, and would say so first.
    const roles = ['--roles', 'segmentation,classification'];
    const { code, err } = await automed('serve', '--quiet', ...roles, '--port', port, '--metrics-port', '0', ...home);
    expect(code).toBe(1);
    expect(err).toMatch(new RegExp(`^automed: port ${port} \\(of the gateway\\) is taken [^\\n]+\\n$`));
  });

  it('starts a service again that was killed, and answers', async () => {
    const inference = childrenOf(server.child.pid ?? 0).find(({ command }) => command.includes('inference'));
    process.kill(inference?.pid ?? 0, 'SIGKILL');
    await server.says(/the inference service was killed by SIGKILL; starting it again/);
    // The gateway answers as soon as the new process does; until then it says that nobody can be reached.
    const answers = async (): Promise<boolean> =>
      (await automed('classify', images[0] ?? '', '--model', 'kind', '--address', address)).code === 0;
    let attempts = 60;
    while (!(await answers()) && attempts > 0) attempts -= 1;
    expect(attempts).toBeGreaterThan(0);
  });

  it('stops when asked, and says so', async () => {
    server.child.kill('SIGTERM');
    const { code, out } = await server.ended;
    expect(code).toBe(0);
    expect(out).toContain('stopped');
  });
});
