// The demonstration from end to end, on few pictures: every step of it runs, but what it trains is not good.
// `npm run demo` is the same with the real numbers.

import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { automed, startAutomed } from '../integration/cli/automed-process';

// Training and building on one machine starve each other; a lone thread does not wait for a second one.
const FEW = ['--threads', '1', '--images', '24', '--test-images', '6', '--epochs', '1', '--class-epochs', '1'];

jest.setTimeout(600_000);

describe('automed demo', () => {
  let folder: string;
  beforeAll(() => (folder = mkdtempSync(join(tmpdir(), 'automed-demo-'))));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('ends with one line of JSON, and progress goes to standard error', async () => {
    const { code, out, err } = await automed('demo', '--json', '--out', folder, ...FEW);
    expect({ code, err: code === 0 ? '' : err }).toEqual({ code: 0, err: '' });
    const result = JSON.parse(out) as Record<string, number>;
    expect(Object.keys(result)).toEqual(['mdsc', 'miou', 'accuracy', 'segment_p50_ms', 'classify_p50_ms', 'train_s']);
    for (const value of Object.values(result)) expect(value).toBeGreaterThanOrEqual(0);
    expect(err).toContain('SAM-AutoMed: epoch 1/1');
    expect(err).toContain('SAM-MedCls: epoch 1/1');
  });

  it('draws an overlay on every unseen picture, and a gallery', () => {
    const overlays = readdirSync(join(folder, 'overlays'));
    expect(overlays).toHaveLength(7);
    expect(overlays).toContain('gallery.png');
  });

  it('registers both models on one base, whose encoder the first one trained', async () => {
    const home = join(folder, 'store');
    const { out } = await automed('models', 'list', '--json', '--home', home);
    const { models } = JSON.parse(out) as { models: { name: string; base: string; base_sha256: string }[] };
    expect(models.map(({ name, base }) => `${name} on ${base}`)).toEqual([
      'demo-lesion on demo-lesion@1',
      'demo-lesion-class on demo-lesion@1',
    ]);
    expect(new Set(models.map((model) => model.base_sha256)).size).toBe(1);
  });

  it('starts from scratch in the same folder, and tells people what to type next', async () => {
    const running = startAutomed(['demo', '--out', folder, '--open-for', '600', ...FEW]);
    const url = /http:\S+/.exec(await running.says(/console on http/))?.[0] ?? '';
    expect(await (await fetch(url)).text()).toContain('<title>Automed</title>');
    running.child.kill('SIGINT');
    const { code, out } = await running.ended;
    expect(code).toBe(0);
    expect(out).toMatch(/segmentation \(SAM-AutoMed\) +mDSC 0\.\d{4}, mIoU 0\.\d{4}; p50 [\d.]+ ms, p95 [\d.]+ ms/);
    expect(out).toMatch(/classification \(SAM-MedCls\) +accuracy [01]\.\d{4}/);
    expect(out).toContain('What to type next:');
    expect(out).toContain('--model demo-lesion@1');
    expect(out).toContain('http://127.0.0.1:8080/');
    expect(existsSync(join(folder, 'store', 'bases', 'tiny', '3'))).toBe(false);
  });
});
