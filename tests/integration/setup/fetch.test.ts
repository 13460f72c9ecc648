// Set-up against package indexes that the test makes: wheels of tiny real libraries, in folders that pip takes as its index.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const ROOT = join(__dirname, '..', '..', '..');
const SETUP = JSON.stringify(join(ROOT, 'native/setup/libtorch.mjs'));
let folder: string;
let index: string;
let home: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'automed-fetch-'));
  [index, home] = [join(folder, 'index'), join(folder, 'home')];
  for (const path of [index, home]) mkdirSync(path);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A shared library that needs others by these names. */
function library(name: string, needs: string[] = []): string {
  const path = join(folder, name);
  const stubs = needs.map((soname) => (existsSync(join(folder, soname)) ? join(folder, soname) : library(soname)));
  const args = ['-x', 'c', '/dev/null', '-x', 'none', '-shared', '-nostdlib', '-Wl,--no-as-needed', ...stubs];
  const { status, stderr } = spawnSync('c++', [...args, `-Wl,-soname,${name}`, '-o', path], { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  return path;
}

interface Wheel {
  name: string;
  version: string;
  requires?: string[];
  extras?: string[];
  /** Path inside -> file to put there. */
  files?: Record<string, string>;
  tag?: string;
}

const WRITE = `
import json, sys, zipfile
path, wheel = sys.argv[1], json.load(sys.stdin)
info = f"{wheel['name']}-{wheel['version']}.dist-info"
with zipfile.ZipFile(path, 'w') as out:
    record = []
    def add(name, data):
        out.writestr(name, data)
        record.append(f"{name},,{len(data)}")
    for name, source in wheel.get('files', {}).items():
        add(name, open(source, 'rb').read())
    lines = ['Metadata-Version: 2.1', f"Name: {wheel['name']}", f"Version: {wheel['version']}"]
    lines += [f'Provides-Extra: {each}' for each in wheel.get('extras', [])]
    lines += [f'Requires-Dist: {each}' for each in wheel.get('requires', [])]
    add(info + '/METADATA', ('\\n'.join(lines) + '\\n').encode())
    add(info + '/WHEEL', f"Wheel-Version: 1.0\\nRoot-Is-Purelib: false\\nTag: {wheel['tag']}\\n".encode())
    out.writestr(info + '/RECORD', '\\n'.join(record + [info + '/RECORD,,']) + '\\n')
`;

function publish(wheel: Wheel): void {
  const { tag = 'py3-none-any' } = wheel;
  const path = join(index, `${wheel.name}-${wheel.version}-${tag}.whl`);
  const input = JSON.stringify({ ...wheel, tag });
  const { status, stderr } = spawnSync('python3', ['-c', WRITE, path], { input, encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
}

function cpuTorch(version: string, tag?: string): void {
  const files = {
    'torch/lib/libtorch_cpu.so': library('libtorch_cpu.so'),
    'torch/lib/libc10.so': library('libc10.so'),
  };
  publish({ name: 'torch', version, files, ...(tag === undefined ? {} : { tag }) });
}

/** As PyTorch's default wheel for Linux: its CPU half needs two of CUDA's libraries, the other half one more. */
function cudaTorch(version: string): void {
  const files = {
    'torch/lib/libc10.so': library('libc10.so'),
    'torch/lib/libtorch_cpu.so': library('libtorch_cpu.so', ['libc10.so', 'libcudart.so.13', 'libcupti.so.13']),
    'torch/lib/libtorch_cuda.so': library('libtorch_cuda.so', ['libcublas.so.13']),
    'torch/__init__.py': '/dev/null',
  };
  const requires = ['cuda-toolkit[cublas,cudart]==13.0.2; platform_system == "Linux"', 'nvidia-nccl-cu13==2.30.4'];
  publish({ name: 'torch', version, files, requires: [...requires, 'sympy>=1.13'] });
  publish({ name: 'sympy', version: '1.14' });
  publish({ name: 'nvidia_nccl_cu13', version: '2.30.4' });
  const parts = [
    ['cudart', 'nvidia-cuda-runtime', 'libcudart.so.13'],
    ['cupti', 'nvidia-cuda-cupti', 'libcupti.so.13'],
    ['cublas', 'nvidia-cublas', 'libcublas.so.13'],
  ] as const;
  const toolkit = parts.map(([extra, name]) => `${name}==13.0.*; extra == "${extra}"`);
  publish({
    name: 'cuda_toolkit',
    version: '13.0.2',
    requires: toolkit,
    extras: parts.map(([extra]) => extra),
  });
  for (const [, name, soname] of parts)
    publish({
      name: name.replaceAll('-', '_'),
      version: '13.0.5',
      files: { [`nvidia/cu13/lib/${soname}`]: join(folder, soname) },
    });
}

/** Runs set-up's fetch in an empty folder with this index alone. */
function fetchLibTorch(environment: Record<string, string> = {}): { status: number | null; said: string } {
  const script = `import(${SETUP}).then((m) => m.ensureLibTorch(${JSON.stringify(home)}, (text) => console.error(text)))
    .catch((error) => { console.error(error.constructor.name + ': ' + error.message); process.exit(7); })`;
  const kept = Object.entries(process.env).filter(([key]) => !/^(PIP_|LIBTORCH|AUTOMED_CUDA)/.test(key));
  const pip = {
    PIP_CONFIG_FILE: '/dev/null',
    PIP_NO_INDEX: '1',
    PIP_FIND_LINKS: index,
    PIP_DISABLE_PIP_VERSION_CHECK: '1',
  };
  const env = { ...Object.fromEntries(kept), ...pip, ...environment };
  const { status, stderr } = spawnSync(process.execPath, ['-e', script], { encoding: 'utf8', env });
  return { status, said: stderr };
}

const has = (path: string): boolean => existsSync(join(home, '.libtorch', path));

test('the set-up takes the CPU wheel where the index has one', () => {
  cudaTorch('2.13.0');
  cpuTorch('2.13.0+cpu');
  const { status, said } = fetchLibTorch();
  expect({ status, said }).toMatchObject({ status: 0 });
  expect(said).toContain('fetched torch 2.13.0+cpu');
  expect(has('2.13.0/torch/lib/libtorch_cuda.so')).toBe(false);
});

test('the set-up takes the default CUDA wheel with the two packages that its CPU half needs, and says how large they are', () => {
  cudaTorch('2.14.1');
  const { status, said } = fetchLibTorch();
  expect({ status, said }).toMatchObject({ status: 0 });
  expect(said).toMatch(/fetched .*torch 2\.14\.1 \([\d.]+ MB\).*MB unpacked/);
  expect(said).not.toMatch(/fetched .*(cublas|nccl|sympy)/);
  expect(readdirSync(join(home, '.libtorch/2.14.1/nvidia/cu13/lib')).sort()).toEqual([
    'libcudart.so.13',
    'libcupti.so.13',
  ]);
  expect(readdirSync(join(home, '.libtorch/2.14.1')).sort()).toEqual(['nvidia', 'torch']);
  // A second call finds it there.
  expect(fetchLibTorch({ PIP_FIND_LINKS: folder })).toEqual({ status: 0, said: '' });
});

test('fetches all of CUDA when asked to, beside the other', () => {
  cudaTorch('2.14.1');
  expect(fetchLibTorch({ AUTOMED_CUDA: '1' })).toMatchObject({ status: 0 });
  expect(has('2.14.1-cuda/nvidia/cu13/lib/libcublas.so.13')).toBe(true);
});

test('the set-up says that the index has no CUDA build when one is asked for', () => {
  cpuTorch('2.13.0+cpu');
  const { status, said } = fetchLibTorch({ AUTOMED_CUDA: '1' });
  expect({ status, said }).toEqual({ status: 7, said: expect.stringMatching(/SetupError: [^]*CPU build/) as unknown });
});

test('the set-up names the library whose package is missing, and leaves nothing half-done', () => {
  cudaTorch('2.14.1');
  rmSync(join(index, 'nvidia_cuda_cupti-13.0.5-py3-none-any.whl'));
  const { status, said } = fetchLibTorch();
  expect(status).toBe(7);
  expect(said).toContain('nvidia-cuda-cupti==13.0.*');
  expect(readdirSync(join(home, '.libtorch'))).toEqual([]);
});

test.each(['3.10', '3.14'])('the set-up takes the wheel for Python %s where there is none for its own', (version) => {
  const { machine } = { machine: process.arch === 'arm64' ? 'aarch64' : 'x86_64' };
  const python = `cp${version.replace('.', '')}`;
  cpuTorch('2.13.0', `${python}-${python}-manylinux2014_${machine}`);
  expect(fetchLibTorch()).toMatchObject({ status: 0 });
  expect(has('2.13.0/torch/lib/libtorch_cpu.so')).toBe(true);
});

test('the set-up says what an empty index lacks, once', () => {
  const { status, said } = fetchLibTorch();
  expect(status).toBe(7);
  expect(said).toMatch(/no wheel of torch 2\.13\.0 or 2\.14\.1[^]*Remedies/);
});

test('the set-up tells a machine without python3 from one without pip', () => {
  const tools = join(folder, 'bin');
  mkdirSync(tools);
  expect(fetchLibTorch({ PATH: tools }).said).toContain('there is no python3');
  writeFileSync(join(tools, 'python3'), '#!/bin/sh\ncase "$1" in -c) echo 3.12;; *) exit 1;; esac\n', { mode: 0o755 });
  symlinkSync('/bin/sh', join(tools, 'sh'));
  expect(fetchLibTorch({ PATH: tools }).said).toContain("python3's pip, and there is none");
});
