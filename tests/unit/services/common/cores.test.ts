import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { availableCores } from '../../../../services/common/cores';

let root: string;
beforeEach(() => (root = mkdtempSync(join(tmpdir(), 'automed-cgroup-'))));
afterEach(() => rmSync(root, { recursive: true }));

test.each([
  ['250000 100000', 2],
  ['50000 100000', 1],
  ['max 100000', 16],
  ['3200000 100000', 16],
])('a version 2 quota of %s is %i core(s) of 16', (quota, cores) => {
  writeFileSync(join(root, 'cpu.max'), `${quota}\n`);
  expect(availableCores(root, 16)).toBe(cores);
});

test.each([
  ['400000', 4],
  ['-1', 16],
])('a version 1 quota of %s is %i core(s) of 16', (quota, cores) => {
  mkdirSync(join(root, 'cpu'));
  writeFileSync(join(root, 'cpu', 'cpu.cfs_quota_us'), quota);
  writeFileSync(join(root, 'cpu', 'cpu.cfs_period_us'), '100000');
  expect(availableCores(root, 16)).toBe(cores);
});

test('without cgroups the system says', () => {
  expect(availableCores(join(root, 'none'), 5)).toBe(5);
});
