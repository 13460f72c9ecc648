import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const REGISTER = join(__dirname, '..', '..', '..', 'support', 'stack-register.cjs');
const ADDON = join(__dirname, '..', '..', '..', '..', 'native', 'lib', 'native.ts');

/** What OpenMP's runtime says of itself in a process that loads the addon. */
function runtimeOf(environment: Record<string, string>, before = ''): string {
  const { OMP_WAIT_POLICY: _policy, GOMP_SPINCOUNT: _count, ...inherited } = process.env;
  const load = `const native = require(${JSON.stringify(ADDON)}); ${before}; native.loadAddon()`;
  const { stderr, status } = spawnSync(process.execPath, ['-r', REGISTER, '-e', load], {
    env: { ...inherited, OMP_DISPLAY_ENV: 'verbose', ...environment },
    encoding: 'utf8',
  });
  expect(status).toBe(0);
  return stderr;
}

it('lets threads sleep that wait for others', () => {
  expect(runtimeOf({})).toMatch(/GOMP_SPINCOUNT = '0'/);
});

it('keeps what the environment says of waiting threads', () => {
  expect(runtimeOf({ GOMP_SPINCOUNT: '77' })).toMatch(/GOMP_SPINCOUNT = '77'/);
  expect(runtimeOf({ OMP_WAIT_POLICY: 'active' })).toMatch(/GOMP_SPINCOUNT = '30000000000'/);
});

it('lets them spin for a moment where a process asks for it', () => {
  expect(runtimeOf({}, 'native.spinBriefly()')).toMatch(/GOMP_SPINCOUNT = '5000'/);
  expect(runtimeOf({}, 'native.spinBriefly(70)')).toMatch(/GOMP_SPINCOUNT = '70'/);
  expect(runtimeOf({ OMP_WAIT_POLICY: 'passive' }, 'native.spinBriefly()')).toMatch(/GOMP_SPINCOUNT = '0'/);
  expect(runtimeOf({ GOMP_SPINCOUNT: '77' }, 'native.spinBriefly()')).toMatch(/GOMP_SPINCOUNT = '77'/);
});

it('leaves nothing of that to the programs that the process starts', () => {
  const told = `console.error('left:', process.env.OMP_WAIT_POLICY, process.env.GOMP_SPINCOUNT)`;
  for (const before of ['', 'native.spinBriefly()']) {
    expect(runtimeOf({}, `${before}; process.on('exit', () => ${told})`)).toContain('left: undefined undefined');
  }
});
