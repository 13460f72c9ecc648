// Time to decode a series of CT slices beside GDCM's C++, on the same cores, in one run: rounds take turns.
//
//   npm run bench:decode [-- --threads N --rounds N --slices N --only 'JPEG 2000' --json]
//
// Default: 1 thread, 5 rounds, 300 slices. Needs libgdcm-dev and a compiler. Both read the files, parse them and decode to stored
// values; sums of pixels are compared. Where there is `taskset` both have as many cores as threads; elsewhere only the ratio of CPU time
// is fair for JPEG 2000: GDCM has OpenJPEG use every processor, whatever it is told of threads.

import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { Context, NativeCodecs } from 'dcmjs-codecs';
import { DecodePool } from '../../services/imaging/dicom';
import { median } from '../../services/terminal/statistics';
import { table } from '../../services/terminal/table';
import { dicomFile, EXPLICIT, greyElements, type DicomElements } from '../support/dicom';
import { CT_IMAGE, sliceUid, STUDY } from '../support/dicom-series';
import { bench } from './keep-alive';
import { machine } from './machine';
import { printResult } from './result';

const SIDE = 512;
/** Different slices; of more the first come again, under other names. */
const PICTURES = 20;
/** Every so many samples of a frame are added up. */
const STEP = 997;

const ENCODINGS = {
  uncompressed: [EXPLICIT],
  'JPEG 2000': ['1.2.840.10008.1.2.4.90', (context: Context) => NativeCodecs.encodeJpeg2000(context, {})],
  'JPEG-LS': ['1.2.840.10008.1.2.4.80', (context: Context) => NativeCodecs.encodeJpegLs(context, {})],
  RLE: ['1.2.840.10008.1.2.5', (context: Context) => NativeCodecs.encodeRle(context, {})],
  'JPEG lossless': ['1.2.840.10008.1.2.4.70', (context: Context) => NativeCodecs.encodeJpeg(context, { lossy: false })],
} as const satisfies Record<string, readonly [uid: string, encode?: (context: Context) => Context]>;
type Encoding = keyof typeof ENCODINGS;

const WARM_UP_MS = 3_000;
/** Files for each thread that are asked for and not answered yet. */
const IN_FLIGHT = 32;

/** Preamble and prefix. */
const PREFIX_END = 132;

const HEADER: DicomElements = {
  ...greyElements({ width: SIDE, height: SIDE }),
  ...STUDY,
  '00080008': ['CS', 'ORIGINAL\\PRIMARY\\AXIAL'],
  '00080016': ['UI', CT_IMAGE],
  '00080060': ['CS', 'CT'],
  '00180050': ['DS', '2.5'],
  '00180060': ['DS', '120'],
  '00200032': ['DS', '-10\\-20\\30'],
  '00200037': ['DS', '1\\0\\0\\0\\1\\0'],
  '00280030': ['DS', '0.7\\0.7'],
  '00280103': ['US', [1]],
  '00281050': ['DS', '40'],
  '00281051': ['DS', '400'],
  '00281052': ['DS', '-1024'],
  '00281053': ['DS', '1'],
};

/** Noise of a scanner in Hounsfield units, the same in every run: a sum of four uniform values. */
function* noise(seed: number): Generator<number, never> {
  let state = seed;
  for (;;) {
    let sum = -2;
    for (let at = 0; at < 4; at += 1) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      sum += state / 2 ** 32;
    }
    yield 25 * sum;
  }
}

/** A slice of a body in air: 12 bits and a sign, offset as scanners store them. */
function slice(index: number): Int16Array {
  const random = noise(index + 1);
  const values = new Int16Array(SIDE * SIDE).fill(-1024);
  for (let at = 0; at < values.length; at += 1) {
    const [x, y] = [(at % SIDE) / SIDE - 0.5, Math.floor(at / SIDE) / SIDE - 0.5];
    const radius = Math.hypot(x, y * 1.4);
    if (radius > 0.45) values[at] = Math.max(-1024, Math.round(-1000 + random.next().value));
    else {
      const organ = Math.hypot(x - 0.15, y + 0.05 + index / 400) < 0.14 ? 120 : Math.sin(9 * x) * Math.cos(7 * y) * 60;
      values[at] = Math.round((radius > 0.41 ? -100 : organ) + random.next().value);
    }
  }
  return values;
}

/** A file as scanners write it: GDCM stumbles over file meta information that does not tell its length. */
function fileOf(index: number, uid: string, pixels: DicomElements, frames?: readonly Buffer[]): Buffer {
  const file = dicomFile({ ...HEADER, '00080018': ['UI', sliceUid(index)], ...pixels }, uid, frames);
  const metaBytes = 8 + uid.length + (uid.length % 2);
  const length = Buffer.from('02000000554c040000000000', 'hex');
  length.writeUInt32LE(metaBytes, 8);
  return Buffer.concat([file.subarray(0, PREFIX_END), length, file.subarray(PREFIX_END)]);
}

function encoded(values: Int16Array, index: number, encoding: Encoding): Buffer {
  const [uid, encode]: readonly [string, ((context: Context) => Context)?] = ENCODINGS[encoding];
  const bytes = Buffer.from(values.buffer);
  if (!encode) return fileOf(index, uid, { '7fe00010': ['OW', bytes] });
  const context = new Context({
    width: SIDE,
    height: SIDE,
    bitsAllocated: 16,
    bitsStored: 16,
    samplesPerPixel: 1,
    pixelRepresentation: 1,
    planarConfiguration: 0,
    photometricInterpretation: 'MONOCHROME2',
    decodedBuffer: new Uint8Array(bytes),
  });
  return fileOf(index, uid, {}, [Buffer.from(encode(context).getEncodedBuffer() ?? [])]);
}

interface Round {
  ms: number;
  /** Of all threads. */
  cpuMs: number;
  sum: number;
}

/** GDCM as a process that waits for its turns. */
class Gdcm {
  private readonly process: ChildProcess;
  private readonly lines: AsyncIterator<string>;

  constructor(program: string, threads: number, files: readonly string[]) {
    this.process = spawn(program, [String(threads), ...files], { stdio: ['pipe', 'pipe', 'inherit'] });
    if (!this.process.stdout) throw new Error('GDCM has no output');
    this.lines = createInterface({ input: this.process.stdout })[Symbol.asyncIterator]();
  }

  async round(): Promise<Round> {
    this.process.stdin?.write('\n');
    const { value } = await this.lines.next();
    const [ms, cpuMs, sum] = String(value).split(' ').map(Number);
    if (ms === undefined || cpuMs === undefined || sum === undefined) throw new Error(`GDCM said ${String(value)}`);
    return { ms, cpuMs, sum };
  }

  end(): void {
    this.process.stdin?.end();
  }
}

/** @param memory for the values of a file each; the next file gets that of the last, as GDCM's allocator does */
async function ours(pool: DecodePool, memory: readonly SharedArrayBuffer[], files: readonly string[]): Promise<Round> {
  const [begun, used] = [performance.now(), process.cpuUsage()];
  let [next, sum] = [0, 0];
  const worker = async (into: SharedArrayBuffer): Promise<void> => {
    for (let path = files[next++]; path !== undefined; path = files[next++]) {
      const { values } = await pool.stored(path, { into });
      for (let at = 0; at < values.length; at += STEP) sum += values[at] ?? 0;
    }
  };
  await Promise.all(memory.map(worker));
  const { user, system } = process.cpuUsage(used);
  return { ms: performance.now() - begun, cpuMs: (user + system) / 1000, sum };
}

/** Medians of the rounds. */
interface Compared {
  gdcm_ms: number;
  own_ms: number;
  /** Of neighbouring rounds, this to GDCM. */
  ratio: number;
  cpu_ratio: number;
}

async function compare(program: string, threads: number, rounds: number, files: readonly string[]): Promise<Compared> {
  const gdcm = new Gdcm(program, threads, files);
  const pool = new DecodePool({ threads });
  const bytes = SIDE * SIDE * Int16Array.BYTES_PER_ELEMENT;
  const memory = Array.from({ length: IN_FLIGHT * threads }, () => new SharedArrayBuffer(bytes));
  const [theirs, own]: [Round[], Round[]] = [[], []];
  // At first the page cache, the codecs and the compilers of JavaScript and WebAssembly warm up.
  const warm = performance.now() + WARM_UP_MS;
  let isWarm = false;
  while (own.length < rounds) {
    const [one, other] = [await gdcm.round(), await ours(pool, memory, files)];
    if (one.sum !== other.sum) throw new Error('GDCM decodes other pixels');
    if (isWarm) {
      theirs.push(one);
      own.push(other);
    }
    isWarm ||= performance.now() > warm;
  }
  gdcm.end();
  const ratio = (of: (round: Round) => number): number =>
    median(own.map((round, at) => of(round) / of(theirs[at] ?? round)));
  const taken = (some: readonly Round[]): number => median(some.map(({ ms }) => ms));
  return {
    gdcm_ms: taken(theirs),
    own_ms: taken(own),
    ratio: ratio(({ ms }) => ms),
    cpu_ratio: ratio(({ cpuMs }) => cpuMs),
  };
}

/** Has this process and those that it starts use so many cores. @returns whether they do */
function pin(cores: number): boolean {
  const allowed = /^Cpus_allowed_list:\s*(.*)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '';
  const numbers = allowed.split(',').flatMap((range) => {
    const [first = 0, last = first] = range.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, at) => first + at);
  });
  try {
    const args = ['--all-tasks', '--cpu-list', '--pid', numbers.slice(0, cores).join(','), String(process.pid)];
    execFileSync('taskset', args, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

function build(folder: string): string {
  const program = join(folder, 'gdcm_decode');
  const libraries = ['MSFF', 'DSED', 'Common', 'DICT'].map((name) => `-lgdcm${name}`);
  const source = join(__dirname, 'gdcm_decode.cpp');
  execFileSync('g++', [
    '-O2',
    '-std=c++20',
    '-I/usr/include/gdcm-3.0',
    source,
    '-o',
    program,
    ...libraries,
    '-pthread',
  ]);
  return program;
}

const OPTIONS = {
  threads: { type: 'string', default: '1' },
  rounds: { type: 'string', default: '5' },
  slices: { type: 'string', default: '300' },
  only: { type: 'string' },
  json: { type: 'boolean', default: false },
} as const;

async function main(): Promise<void> {
  const { threads, rounds, slices, only, json } = parseArgs({ options: OPTIONS }).values;
  const where = machine();
  const folder = mkdtempSync(join(tmpdir(), 'automed-bench-'));
  try {
    const program = build(folder);
    await NativeCodecs.initializeAsync();
    const count = Number(slices);
    const pictures = Array.from({ length: Math.min(PICTURES, count) }, (_, index) => slice(index));
    const isPinned = pin(Number(threads));
    const encodings: Record<string, Compared> = {};
    for (const encoding of (Object.keys(ENCODINGS) as Encoding[]).filter((name) => (only ?? name) === name)) {
      const contents = pictures.map((picture, index) => encoded(picture, index, encoding));
      const files = Array.from({ length: count }, (_, at) => join(folder, `${at}.dcm`));
      for (const [at, path] of files.entries()) writeFileSync(path, contents[at % contents.length] ?? '');
      encodings[encoding] = await compare(program, Number(threads), Number(rounds), files);
    }
    const rows = Object.entries(encodings).map(([name, { gdcm_ms, own_ms, ratio, cpu_ratio }]) => [
      ...[name, gdcm_ms.toFixed(0), own_ms.toFixed(0), ratio.toFixed(2), cpu_ratio.toFixed(2)],
    ]);
    const cores = isPinned ? 'as many cores' : 'any cores';
    process.stdout.write(
      `${slices} slices of ${SIDE} x ${SIDE}, 16 bits, ${threads} thread(s) on ${cores}; load ${where.loadAverage}\n`,
    );
    process.stdout.write(`${table(['encoding', 'GDCM, ms', 'this, ms', 'ratio', 'ratio of CPU time'], rows)}\n`);
    const result = { slices: Number(slices), side: SIDE, threads: Number(threads), pinned: isPinned, encodings };
    if (json) printResult(result, where);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

bench(main);
