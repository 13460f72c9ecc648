import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const ROOT = join(__dirname, '..', '..', '..');
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'automed-setup-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A folder that looks like LibTorch of that version to whoever reads its header and library names. */
function fakeLibTorch(version: string, libraries: string[]): string {
  const root = join(folder, 'torch');
  const [major, minor, patch] = version.split('.');
  mkdirSync(join(root, 'include/torch/headeronly'), { recursive: true });
  mkdirSync(join(root, 'lib'));
  writeFileSync(
    join(root, 'include/torch/headeronly/version.h'),
    `#define TORCH_VERSION_MAJOR ${major}\n#define TORCH_VERSION_MINOR ${minor}\n#define TORCH_VERSION_PATCH ${patch}\n`,
  );
  for (const library of libraries) writeFileSync(join(root, 'lib', library), '');
  return root;
}

/** Configures the native build up to the point where LibTorch is found or not; answers its output in one line. */
function configure(settings: Record<string, string>): { status: number | null; output: string } {
  const definitions = Object.entries(settings).map(([name, value]) => `-D${name}=${value}`);
  const { LIBTORCH: _, LIBTORCH_USE_PYTORCH: __, LIBTORCH_BYPASS_VERSION_CHECK: ___, ...env } = process.env;
  const result = spawnSync('cmake', ['-S', join(ROOT, 'native'), '-B', join(folder, 'build'), ...definitions], {
    encoding: 'utf8',
    env,
  });
  return { status: result.status, output: `${result.stdout}${result.stderr}`.replace(/\s+/g, ' ') };
}

const REMEDIES = /Remedies: .*npm run setup.*set LIBTORCH.*LIBTORCH_USE_PYTORCH=1/;

describe('finding LibTorch', () => {
  it('says what to do when the named folder holds none', () => {
    const { status, output } = configure({ LIBTORCH: folder });
    expect(status).not.toBe(0);
    expect(output).toContain('(from LIBTORCH)');
    expect(output).toMatch(REMEDIES);
  });

  it('refuses a version it is not tested with, and names the way around', () => {
    const root = fakeLibTorch('1.13.1', ['libtorch_cpu.so']);
    const { status, output } = configure({ LIBTORCH: root });
    expect(status).not.toBe(0);
    expect(output).toMatch(/LibTorch 1\.13\.1 .*2\.13\.0.*LIBTORCH_BYPASS_VERSION_CHECK=1/);
    expect(configure({ LIBTORCH: root, LIBTORCH_BYPASS_VERSION_CHECK: '1' }).output).toContain(
      'LibTorch 1.13.1 from LIBTORCH',
    );
  });

  it('refuses a CUDA build whose CUDA libraries are missing', () => {
    const root = fakeLibTorch('2.14.1', ['libtorch_cpu.so', 'libtorch_cuda.so']);
    const { status, output } = configure({ LIBTORCH: root, AUTOMED_CUDA_SEARCH: folder });
    expect(status).not.toBe(0);
    expect(output).toMatch(/CUDA build, but its CUDA libraries are missing/);
    expect(output).toMatch(REMEDIES);
  });
});

describe('fetching LibTorch', () => {
  it('names the remedies when there is no pip', () => {
    const tools = join(folder, 'bin');
    mkdirSync(tools);
    symlinkSync(process.execPath, join(tools, 'node'));
    const script = `import(${JSON.stringify(join(ROOT, 'native/setup/libtorch.mjs'))})
      .then((m) => m.ensureLibTorch(${JSON.stringify(folder)}, () => {}))
      .catch((error) => { console.error(error.message); process.exit(7); })`;
    const result = spawnSync('node', ['-e', script], { encoding: 'utf8', env: { PATH: tools } });
    expect(result.status).toBe(7);
    expect(result.stderr).toMatch(
      /python3's pip, and there is no python3[\s\S]*python3-pip[\s\S]*LIBTORCH[\s\S]*LIBTORCH_USE_PYTORCH=1/,
    );
  });

  it('names the build tools that are missing and the command that installs them', () => {
    const tools = join(folder, 'bin');
    mkdirSync(tools);
    symlinkSync(process.execPath, join(tools, 'node'));
    const script = `import(${JSON.stringify(join(ROOT, 'native/setup/tools.mjs'))})
      .then((m) => m.checkBuildTools()).catch((error) => { console.error(error.message); process.exit(7); })`;
    const result = spawnSync('node', ['-e', script], { encoding: 'utf8', env: { PATH: tools } });
    expect(result.status).toBe(7);
    expect(result.stderr).toMatch(/cmake: [\s\S]*c\+\+: [\s\S]*apt-get install -y cmake g\+\+ make/);
  });
});
