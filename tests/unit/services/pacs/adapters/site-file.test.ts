import { mkdtempSync, rmSync, symlinkSync, renameSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSite } from '../../../../../services/pacs/adapters/site-file';
import { eventually, memoryLogger } from '../../../../support/grpc';

const folder = mkdtempSync(join(tmpdir(), 'automed-site-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Replaces the file by a link to another, as Kubernetes does. */
let count = 0;
function write(text: string): string {
  const target = join(folder, `content-${(count += 1)}`);
  writeFileSync(target, text);
  symlinkSync(target, join(folder, 'next'));
  renameSync(join(folder, 'next'), join(folder, 'pacs.yaml'));
  return join(folder, 'pacs.yaml');
}

test('a site is read again when its file is replaced, and a change that does not hold leaves the one before', async () => {
  const lines: Record<string, unknown>[] = [];
  const site = await openSite(write('ae_title: ONE\n'), memoryLogger(lines));
  expect(site.value.ae_title).toEqual(['ONE']);
  write('ae_title: TWO\nstorage: { keep_years: 3 }\n');
  await eventually(() => lines.some(({ event }) => event === 'site-refused'));
  expect(site.value.ae_title).toEqual(['ONE']);
  write('ae_title: TWO\n');
  await eventually(() => site.value.ae_title[0] === 'TWO');
  expect(lines.filter(({ event }) => event === 'site-reloaded')).toHaveLength(1);
  site.close();
});
