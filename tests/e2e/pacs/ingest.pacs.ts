// How fast objects are taken, and with how much memory: the same sender (storescu) sends the same series to the bridge and to dcmtk's
// storescp, by turns in one run. The bridge syncs and journals every object; storescp does neither. Hostile connections come meanwhile.

import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { connect } from 'node:net';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AutomedClient } from '../../../services/client';
import { freePorts } from '../../../services/stack/free-ports';
import { seriesFiles } from '../../support/scanned-series';
import { startProgram, type Program } from '../../support/stack';
import { BRIDGE, until, withArchive } from './platform';

const SLICES = 300;
const SIDE = 512;
const TURNS = 2;
const MOST_RATIO = 0.35;
const MOST_MEMORY = 250e6;
const BIG_SIDE = 10_000;
const CUT_MS = 2_000;

/** A PDU of 4 GiB before and behind an association request, HTTP, data first, zeros, silence, half a request. */
const HOSTILE: readonly (readonly [string, Buffer])[] = [
  ['a PDU of 4 GiB', Buffer.from([1, 0, 0xff, 0xff, 0xff, 0xff])],
  ['HTTP', Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n')],
  ['data before an association', Buffer.from([4, 0, 0, 0, 0, 4, 0, 0, 0, 0])],
  ['zeros', Buffer.concat([Buffer.from([1, 0, 0, 0, 0, 100]), Buffer.alloc(100)])],
  ['silence', Buffer.alloc(0)],
  ['half a request', Buffer.from([1, 0, 0])],
];

/** Files of a study with noise for pixels, 16 bits. */
function writeSeries(folder: string, study: string, count: number, side: number): void {
  mkdirSync(folder, { recursive: true });
  const noise = Buffer.alloc(side * side * 2);
  for (let at = 0; at < noise.length; at += 2) noise.writeUInt16LE((at * 2_654_435_761) % 4_096, at);
  const picture = { pixels: new Uint8Array(0), width: side, height: side };
  const more = { '7fe00010': ['OW', noise] as const };
  seriesFiles(
    Array.from({ length: count }, () => picture),
    { study, more },
  ).forEach((file, at) => {
    writeFileSync(join(folder, `${at}.dcm`), file);
  });
  // What other programs have not written yet would be written by the bridge's own syncs.
  spawnSync('sync');
}

/** Sends a folder; resolves to seconds. */
function send(folder: string, called: string, port: number): Promise<number> {
  const began = performance.now();
  const args = ['+sd', '-aet', 'SCANNER', '-aec', called, '127.0.0.1', String(port), folder];
  const child = spawn('storescu', args, { stdio: 'ignore' });
  return new Promise((resolve, reject) => {
    child.once('exit', (code) => {
      if (code === 0) resolve((performance.now() - began) / 1000);
      else reject(new Error(`storescu ends with ${code}`));
    });
  });
}

/** Milliseconds until the other side has cut a connection. */
function cutAfter(port: number, bytes: Buffer): Promise<number> {
  const began = performance.now();
  const socket = connect(port, '127.0.0.1', () => socket.write(bytes));
  socket.on('error', () => undefined);
  socket.resume();
  return new Promise((resolve) => socket.once('close', () => resolve(performance.now() - began)));
}

withArchive('ingest', () => {
  let folder: string;
  let bridge: Program;
  let storescp: ChildProcess;
  let port: number;
  let theirs: number;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'automed-ingest-'));
    const ports = (await freePorts('127.0.0.1', 21_000 + Math.floor(Math.random() * 9_000), 2)) ?? 0;
    [port, theirs] = [ports, ports + 1];
    const site = join(folder, 'pacs.yaml');
    writeFileSync(
      site,
      `ae_title: ${BRIDGE}\naccept: [{ ae: SCANNER }]\nstorage: { most_percent: 99, reserve: 100 MB }\n`,
    );
    bridge = await startProgram('pacs', {
      AUTOMED_PACS_SITE: site,
      AUTOMED_PACS_HOME: join(folder, 'pacs'),
      AUTOMED_PACS_PORT: String(port),
      AUTOMED_PACS_ASSOCIATE_MS: '1500',
    });
    const archived = join(folder, 'archived');
    mkdirSync(archived);
    storescp = spawn('storescp', ['-od', archived, String(theirs)], { stdio: 'ignore' });
    await until('storescp', async () => (await cutAfter(theirs, Buffer.alloc(200))) >= 0);
  });
  afterAll(async () => {
    storescp?.kill();
    await bridge?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const instances = async (): Promise<number> => {
    const client = new AutomedClient(bridge.address, { timeoutMs: 30_000 });
    const { instanceCount } = await client.pacs.status().finally(() => client.close());
    return Number(instanceCount);
  };
  /** Most memory that the bridge has had, bytes. */
  const memory = (): number => {
    const status = readFileSync(`/proc/${bridge.child.pid ?? 0}/status`, 'utf8');
    return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) * 1024;
  };

  it(`of ${SLICES} slices takes at most ${MOST_RATIO} of storescp's time, and ${MOST_MEMORY / 1e6} MB`, async () => {
    const seconds: { ours: number[]; theirs: number[] } = { ours: [], theirs: [] };
    for (let turn = 1; turn <= TURNS; turn += 1) {
      const series = join(folder, `series-${turn}`);
      writeSeries(series, `1.2.826.0.1.90.${turn}`, SLICES, SIDE);
      seconds.ours.push(await send(series, BRIDGE, port));
      seconds.theirs.push(await send(series, 'STORESCP', theirs));
      rmSync(series, { recursive: true });
    }
    const ratio = Math.min(...seconds.ours) / Math.min(...seconds.theirs);
    process.stderr.write(
      `ingest: ${JSON.stringify(seconds)} s, ratio ${ratio.toFixed(3)}, ${(memory() / 1e6).toFixed(0)} MB\n`,
    );
    expect(await instances()).toBe(TURNS * SLICES);
    expect(ratio).toBeLessThanOrEqual(MOST_RATIO);
    expect(memory()).toBeLessThanOrEqual(MOST_MEMORY);
  });

  it('goes on while hostile connections come, which are all cut within two seconds', async () => {
    const before = await instances();
    const series = join(folder, 'series-hostile');
    writeSeries(series, '1.2.826.0.1.90.99', SLICES, SIDE);
    const sending = send(series, BRIDGE, port);
    const cuts = await Promise.all(HOSTILE.map(([, bytes]) => cutAfter(port, bytes)));
    const seconds = await sending;
    const said = HOSTILE.map(([what], at) => `${what} ${(cuts[at] ?? 0).toFixed(0)} ms`).join(', ');
    process.stderr.write(`hostile: ${said}; ${SLICES} slices meanwhile in ${seconds.toFixed(1)} s\n`);
    expect((await instances()) - before).toBe(SLICES);
    expect(Math.max(...cuts)).toBeLessThanOrEqual(CUT_MS);
  });

  it('of an object of 200 MB takes no more memory', async () => {
    const big = join(folder, 'big');
    writeSeries(big, '1.2.826.0.1.91', 1, BIG_SIDE);
    const seconds = await send(big, BRIDGE, port);
    process.stderr.write(`200 MB: ${seconds.toFixed(1)} s, ${(memory() / 1e6).toFixed(0)} MB\n`);
    expect(memory()).toBeLessThanOrEqual(MOST_MEMORY);
  });
});
