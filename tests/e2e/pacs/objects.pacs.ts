// Objects of every kind from dcmtk's sender: pydicom's own test files, each kept with every element; and a sender that is
// killed while it sends a large one.

import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { AutomedClient } from '../../../services/client';
import { freePorts } from '../../../services/stack/free-ports';
import { findPython } from '../../support/python';
import { seriesFiles } from '../../support/scanned-series';
import { startProgram, type Program } from '../../support/stack';
import { BRIDGE, until, withArchive } from './platform';

/** Of pydicom's files dcmsend can send so many: Part 10, of a known class, whole. */
const LEAST = 59;
/** Files without a study and a series, and two whose UIDs are of an unknown VR. */
const REFUSED = [
  'JPEGLSNearLossless_08.dcm',
  'JPEGLSNearLossless_16.dcm',
  'SC_rgb_jls_lossy_line.dcm',
  'SC_rgb_jls_lossy_sample.dcm',
  'rtdose_rle.dcm',
  'rtdose_rle_1frame.dcm',
];

withArchive('objects of dcmtk', () => {
  let folder: string;
  let bridge: Program;
  let port: number;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'automed-objects-'));
    port = (await freePorts('127.0.0.1', 21_000 + Math.floor(Math.random() * 9_000), 1)) ?? 0;
    const site = join(folder, 'pacs.yaml');
    writeFileSync(
      site,
      `ae_title: ${BRIDGE}\naccept: [{ ae: SCANNER }]\nstorage: { most_percent: 99, reserve: 100 MB }\n`,
    );
    bridge = await startProgram('pacs', {
      AUTOMED_PACS_SITE: site,
      AUTOMED_PACS_HOME: join(folder, 'pacs'),
      AUTOMED_PACS_PORT: String(port),
    });
  });
  afterAll(async () => {
    await bridge?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const received = (): string[] => {
    const names = readdirSync(join(folder, 'pacs'), { recursive: true, encoding: 'utf8' });
    return names.filter((name) => /\.(dcm|part)$/.test(name)).map((name) => join(folder, 'pacs', name));
  };
  const instances = async (): Promise<number> => {
    const client = new AutomedClient(bridge.address, { timeoutMs: 30_000 });
    const { instanceCount } = await client.pacs.status().finally(() => client.close());
    return Number(instanceCount);
  };

  it('are kept with every element where dcmsend is told success', () => {
    const { path, missing } = findPython(['pydicom'], ['pydicom==3.0.2'], join(folder, 'python'));
    if (missing !== undefined) throw new Error(missing);
    const python = (...args: string[]): string =>
      spawnSync('python3', args, { encoding: 'utf8', env: { ...process.env, PYTHONPATH: path } }).stdout;
    const where = 'import pydicom, os; print(os.path.join(os.path.dirname(pydicom.__file__), "data", "test_files"))';
    const samples = python('-c', where).trim();
    const files = readdirSync(samples).flatMap((name) => (name.endsWith('.dcm') ? [join(samples, name)] : []));
    const options = ['-v', '--no-halt', '--no-uid-checks', '--decompress-never', '-aet', 'SCANNER', '-aec', BRIDGE];
    const statusOf = (file: string): string => {
      const { stdout, stderr } = spawnSync('dcmsend', [...options, '127.0.0.1', String(port), file], {
        encoding: 'latin1',
      });
      return /with status (\w+)\s*: 1\b/.exec(`${stdout}${stderr}`)?.[1] ?? 'not sent';
    };
    const statuses = files.map((file) => ({ file, status: statusOf(file) }));
    const of = (...wanted: string[]): string[] => {
      return statuses.flatMap(({ file, status }) => (wanted.includes(status) ? [file] : []));
    };
    const sent = of('SUCCESS');
    expect(python(join(__dirname, 'same_elements.py'), join(folder, 'pacs'), ...sent)).toBe('');
    expect(REFUSED).toEqual(expect.arrayContaining(of('ERROR', 'REFUSED').map((file) => basename(file))));
    const others = of('not sent').length;
    process.stdout.write(`of pydicom's ${files.length} files ${sent.length} are kept, ${others} cannot be sent\n`);
    expect(sent.length).toBeGreaterThanOrEqual(LEAST);
  });

  it('leave nothing where the sender is killed within one', async () => {
    const before = { instances: await instances(), files: received().length };
    const side = 10_000;
    const more = { '7fe00010': ['OW', Buffer.alloc(2 * side * side)] as const };
    const picture = { pixels: new Uint8Array(0), width: side, height: side };
    const [bytes = Buffer.alloc(0)] = seriesFiles([picture], { study: '1.2.826.0.1.90.1', more });
    const large = join(folder, 'large.dcm');
    writeFileSync(large, bytes);
    const args = ['-aet', 'SCANNER', '-aec', BRIDGE, '127.0.0.1', String(port), large];
    const child = spawn('storescu', args, { stdio: 'ignore' });
    await until('the object has begun', () => received().some((name) => name.endsWith('.part')));
    child.kill('SIGKILL');
    await until('it is gone', () => received().length === before.files);
    expect(await instances()).toBe(before.instances);
    expect(spawnSync('storescu', args).status).toBe(0);
    expect(await instances()).toBe(before.instances + 1);
  });
});
