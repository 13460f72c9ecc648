import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SeriesPicture } from '../../../support/scanned-series';
import type { Orthanc } from '../../../support/orthanc';

export interface DemoSlice extends SeriesPicture {
  /** What was drawn into it: 0 or 1. */
  mask: Uint8Array;
}

export function diceOf(a: Uint8Array, b: Uint8Array): number {
  const sum = (values: Uint8Array): number => values.reduce((total, value) => total + value, 0);
  const both = a.reduce((total, value, at) => total + (value & (b[at] ?? 0)), 0);
  return sum(a) + sum(b) === 0 ? 1 : (2 * both) / (sum(a) + sum(b));
}

/** Writes the site's file; answers its path. */
export function writeSite(folder: string, orthanc: Orthanc, title: string, model: string): string {
  const path = join(folder, 'pacs.yaml');
  const site = `# Who may send, where results go, and which model looks at what.
ae_title: ${title}
accept:
  - ae: SCANNER
    address: 127.0.0.1
complete:
  series_seconds: 1
  study_seconds: 2
storage:
  most_percent: 99
  reserve: 100 MB
destinations:
  archive: { kind: dicom, host: 127.0.0.1, port: ${orthanc.dicomPort}, ae: ${orthanc.aet} }
rules:
  - name: lesions
    when: { modality: CT, orientation: axial, frames: { min: 2 } }
    task: segmentation
    model: ${model}
    results: [SEG, SR]
    send_to: archive
  - name: chest-radiographs
    when: { modality: [CR, DX], body_part: CHEST }
    task: segmentation
    model: ${model}
    results: [SEG]
    send_to: archive
`;
  writeFileSync(path, site);
  return path;
}

const AUTOMED = join(__dirname, '../../../../services/cli/bin/automed.mjs');
const START_MS = 180_000;

export interface RunningBridge {
  dicomPort: number;
  /** Runs `automed pacs NAME STUDY`; resolves to what it printed. */
  command(name: string, study: string): Promise<string>;
  stop(): Promise<void>;
}

/** Starts the platform with its bridge, as an operator does. */
export async function startBridge(store: string, folder: string, site: string): Promise<RunningBridge> {
  mkdirSync(folder, { recursive: true });
  const args = ['pacs', 'serve', '--site', site, '--folder', folder, '--home', store, '--port', '0'];
  const child = spawn(process.execPath, [AUTOMED, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  await started(child);
  const command = async (name: string, ...rest: string[]): Promise<string> => {
    const all = [AUTOMED, 'pacs', name, ...rest, '--folder', folder];
    const { stdout, stderr, status } = spawnSync(process.execPath, all, { encoding: 'utf8' });
    if (status !== 0) throw new Error(`automed pacs ${name}: ${stderr}`);
    return stdout.trimEnd();
  };
  const status = JSON.parse(await command('status', '--json')) as { dicomAddress: string };
  return {
    dicomPort: Number(status.dicomAddress.split(':').pop()),
    command,
    stop: () => stopped(child),
  };
}

function started(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let text = '';
    const timer = setTimeout(() => reject(new Error(`the bridge did not start: ${text.slice(-2000)}`)), START_MS);
    const hear = (chunk: Buffer): void => {
      text = (text + chunk.toString()).slice(-20_000);
      if (!text.includes('the bridge runs')) return;
      clearTimeout(timer);
      resolve();
    };
    child.stdout?.on('data', hear);
    child.stderr?.on('data', hear);
    child.once('exit', () => reject(new Error(`the bridge ended: ${text.slice(-2000)}`)));
  });
}

async function stopped(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  await gone;
}

/** Sends all files of a folder with storescu, as a scanner does. */
export function sendStudy(folder: string, way: SendingWay): void {
  const { status, stderr } = spawnSync('storescu', storescuArgs(folder, way), { encoding: 'utf8' });
  if (status !== 0) throw new Error(`storescu: ${stderr}`);
}

export interface SendingWay {
  port: number;
  /** AE titles. */
  from: string;
  to: string;
}

export const storescuArgs = (folder: string, { port, from, to }: SendingWay): string[] => [
  ...['+sd', '-aet', from, '-aec', to, '127.0.0.1', String(port), folder],
];
