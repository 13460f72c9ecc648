// The image encoder beside its peers on the same machine, with the same weights and the same image: PyTorch running the published
// code, and onnxruntime running its export. Equal output is checked before anything is timed; then the peers take turns.
//
//   npm run bench:encoder [-- --json --arch sam-med2d-vit-b --rounds 15 --threads 2 --kernels measured|plain|packed]
//
// `--arch sam-vit-b` is SAM's at 1024 pixels; `--arch mobilenet` the branch beside the encoder, which needs models.py in
// AUTOMED_TEST_REFERENCE (default ../shared/reference).
//
// The last line is JSON. AUTOMED_REFERENCE_PYTHON: a Python with torch, and for the second peer onnx, onnxscript and onnxruntime
// (default python3); a peer that cannot start is left out.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { buildInfo } from '../../native/lib';
import { median, percentile } from '../../services/terminal/statistics';
import { table } from '../../services/terminal/table';
import { baseArchitecture } from '../../services/store/architectures';
import { bench } from './keep-alive';
import { machine } from './machine';
import { startPeer, type Peer, type Taken } from './peers';

const ROOT = join(__dirname, '..', '..');
/** The network beside the encoder; its reference is models.py. */
const BRANCH = 'mobilenet';
const REFERENCE = process.env.AUTOMED_TEST_REFERENCE ?? join(ROOT, '..', 'shared', 'reference');
const PYTHON = process.env.AUTOMED_REFERENCE_PYTHON ?? 'python3';
/** Relative L2 distance up to which two float32 embeddings are the same. */
const SAME = 1e-4;
/** The native encoder where the CPU has bfloat16 arithmetic, and how far it may be from float32. */
const REDUCED = 'native bf16';
const NEAR = 5e-2;

const { values: options } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    arch: { type: 'string', default: 'sam-med2d-vit-b' },
    rounds: { type: 'string', default: '15' },
    threads: { type: 'string', default: `${availableParallelism()}` },
    kernels: { type: 'string', default: 'packed' },
  },
});

const say = (text: string): void => void process.stderr.write(`${text}\n`);

function readFloats(path: string): Float32Array {
  const bytes = readFileSync(path);
  return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
}

interface Difference {
  max_abs: number;
  rel_l2: number;
}

function difference(result: Float32Array, expected: Float32Array): Difference {
  if (result.length !== expected.length) throw new Error(`${result.length} values, expected ${expected.length}`);
  let [largest, squares, norm] = [0, 0, 0];
  for (const [at, value] of expected.entries()) {
    const off = Math.abs((result[at] ?? NaN) - value);
    largest = Math.max(largest, off);
    squares += off * off;
    norm += value * value;
  }
  return { max_abs: largest, rel_l2: Math.sqrt(squares / norm) };
}

/** The weights and the image that all encode, and the peers, ready. The first is ours, the second the reference. */
async function startPeers(folder: string): Promise<Peer[]> {
  const isBranch = options.arch === BRANCH;
  const architecture = isBranch
    ? { image_size: 256, reference: REFERENCE }
    : baseArchitecture(options.arch).architecture;
  const path = (name: string): string => join(folder, name);
  const [weights, image, spec] = [path('base.safetensors'), path('image.f32'), path('spec.json')];
  const program = join(ROOT, 'build', 'Release', 'automed_bench');
  writeFileSync(path('architecture.json'), JSON.stringify(architecture));
  const given = isBranch ? BRANCH : path('architecture.json');
  execFileSync(program, ['--init', given, weights]);
  writeFileSync(spec, JSON.stringify({ architecture, weights, image, threads: Number(options.threads) }));
  const pixels = Float32Array.from({ length: 3 * architecture.image_size ** 2 }, (_, at) => Math.sin(at * 12.9898) * 2);
  writeFileSync(image, new Uint8Array(pixels.buffer));
  const script = join(__dirname, 'encoder_reference.py');
  execFileSync(PYTHON, [script, spec, 'weights'], { stdio: ['ignore', 'inherit', 'inherit'] });
  const native = [weights, given, image, options.threads, options.kernels];
  const reduced = buildInfo().cpuComputesInBfloat16 && !isBranch;
  const peers = [
    await startPeer('native', program, [...native, 'float32']),
    await startPeer('PyTorch', PYTHON, [script, spec, 'eager']),
    await startPeer('onnxruntime', PYTHON, [script, spec, 'onnxruntime']),
    reduced ? await startPeer(REDUCED, program, [...native, 'bfloat16']) : undefined,
  ];
  if (!peers[0]) throw new Error('build/Release/automed_bench does not start');
  if (!peers[1]) throw new Error(`${PYTHON} has no torch; set AUTOMED_REFERENCE_PYTHON or PYTHONPATH`);
  if (!peers[2]) say('onnxruntime cannot run here and is left out');
  return peers.filter((peer) => peer !== undefined);
}

/** Every peer's distance from the reference. @throws where one computes something else */
async function checkOutputs(peers: readonly Peer[], folder: string): Promise<Difference[]> {
  const outputs = new Map<Peer, Float32Array>();
  for (const peer of peers) {
    const path = join(folder, `${peer.name}.f32`);
    await peer.run(path);
    outputs.set(peer, readFloats(path));
  }
  const expected = outputs.get(peers[1] as Peer) as Float32Array;
  return peers.map((peer) => {
    const found = difference(outputs.get(peer) as Float32Array, expected);
    const limit = peer.name === REDUCED ? NEAR : SAME;
    if (!(found.rel_l2 <= limit)) throw new Error(`${peer.name} computes something else: ${JSON.stringify(found)}`);
    return found;
  });
}

async function measure(peers: readonly Peer[]): Promise<Taken[][]> {
  const times = peers.map((): Taken[] => []);
  for (let round = 0; round < Number(options.rounds); round++) {
    for (const [at, peer] of peers.entries()) times[at]?.push(await peer.run());
    say(
      `round ${round + 1}: ${peers.map(({ name }, at) => `${name} ${times[at]?.at(-1)?.ms.toFixed(0)} ms`).join(', ')}`,
    );
  }
  return times;
}

/** One peer's runs beside ours: of neighbouring runs, for which the machine's state was most nearly the same. */
function ratios(measured: readonly Taken[], ours: readonly Taken[], key: keyof Taken): number[] {
  return measured.map((taken, at) => taken[key] / (ours[at]?.[key] ?? NaN));
}

function report(peers: readonly Peer[], times: readonly Taken[][], found: readonly Difference[]): void {
  const [ours = []] = times;
  const rows = peers.map(({ name }, at) => {
    const measured = times[at] ?? [];
    const ratio = ratios(measured, ours, 'ms');
    return [
      name,
      median(measured.map(({ ms }) => ms)).toFixed(0),
      Math.min(...measured.map(({ ms }) => ms)).toFixed(0),
      median(ratio).toFixed(2),
      `${percentile(ratio, 0.25).toFixed(2)} - ${percentile(ratio, 0.75).toFixed(2)}`,
      median(ratios(measured, ours, 'cpu_ms')).toFixed(2),
      (found[at]?.max_abs ?? NaN).toExponential(1),
    ];
  });
  const head = ['peer', 'median ms', 'min ms', 'x native', 'quartiles', 'x native, CPU time', 'max abs'];
  if (!options.json) process.stdout.write(`${table(head, rows)}\n`);
  const timesOf = (name: string): Taken[] | undefined => times[peers.findIndex((peer) => peer.name === name)];
  const speedup = (name: string, key: keyof Taken, beside = 'native'): number | null => {
    const [measured, base] = [timesOf(name), timesOf(beside)];
    return measured && base ? Number(median(ratios(measured, base, key)).toFixed(3)) : null;
  };
  const line = {
    fp32_speedup: speedup('PyTorch', 'ms'),
    ort_speedup: speedup('onnxruntime', 'ms'),
    // PyTorch's time in float32 beside ours in bfloat16; null where the CPU would emulate it.
    bf16_speedup: speedup('PyTorch', 'ms', REDUCED),
    bf16_rel_l2: found[peers.findIndex(({ name }) => name === REDUCED)]?.rel_l2 ?? null,
    max_abs: found[0]?.max_abs,
    rel_l2: found[0]?.rel_l2,
    fp32_cpu_time: speedup('PyTorch', 'cpu_ms'),
    ort_cpu_time: speedup('onnxruntime', 'cpu_ms'),
    architecture: options.arch,
    threads: Number(options.threads),
    kernels: options.kernels,
    rounds: Number(options.rounds),
    libtorch: buildInfo().libtorch,
    machine: machine(),
  };
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

async function main(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'automed-bench-'));
  let peers: Peer[] = [];
  try {
    execFileSync('cmake', ['--build', join(ROOT, 'build'), '--target', 'automed_bench'], { stdio: ['ignore', 2, 2] });
    peers = await startPeers(folder);
    const found = await checkOutputs(peers, folder);
    report(peers, await measure(peers), found);
  } finally {
    await Promise.all(peers.map((peer) => peer.close()));
    rmSync(folder, { recursive: true, force: true });
  }
}

bench(main);
