// What the proofs have in common: a small model, Orthanc, the inference service, and a bridge that can be killed.

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AutomedClient, type PacsClient } from '../../../services/client';
import { freePorts } from '../../../services/stack/free-ports';
import { MICRO_ARCHITECTURE } from '../../support/micro';
import { Orthanc, valueOf, whyNoOrthanc } from '../../support/orthanc';
import { seriesFiles } from '../../support/scanned-series';
import { startProgram, type Program } from '../../support/stack';
import { makeStore } from '../../support/stack-store';
import { sendStudy } from './demo/parts';

const why = whyNoOrthanc();
if (why !== undefined) process.stderr.write(`SKIPPED: tests with a real archive need ${why}\n`);
export const withArchive = why === undefined ? describe : describe.skip;

const PATIENCE_MS = 120_000;
const TERMS = { lesion: { type: { value: '52988006', scheme: 'SCT', meaning: 'Lesion' } } };
export const BRIDGE = 'AUTOMED';

export async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const end = Date.now() + PATIENCE_MS;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`${what}: not in time`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

interface StudyOptions {
  slices?: number;
  seed?: number;
  patientId?: string;
}

interface PlatformOptions {
  mayStore?: boolean;
  takesUnknown?: boolean;
  environment?: Record<string, string>;
}

export class Platform {
  private constructor(
    readonly folder: string,
    readonly orthanc: Orthanc,
    readonly inference: Program,
    readonly port: number,
    private readonly environment: Record<string, string>,
    public bridge: Program,
  ) {}

  /** @param siteOf writes the site's file, and answers its path */
  static async start(
    siteOf: (this: void, folder: string, orthanc: Orthanc) => string,
    { mayStore = true, takesUnknown = true, environment = {} }: PlatformOptions = {},
  ): Promise<Platform> {
    const folder = mkdtempSync(join(tmpdir(), 'automed-pacs-'));
    const store = await makeStore(join(folder, 'store'), 'micro', MICRO_ARCHITECTURE);
    await store.addSegmentation('lesion', 2, ['lesion']);
    const manifest = join(folder, 'store', 'models', 'lesion', '1', 'model.json');
    const text = JSON.parse(readFileSync(manifest, 'utf8')) as object;
    writeFileSync(manifest, JSON.stringify({ ...text, terms: TERMS }));
    const inference = await startProgram('inference', { AUTOMED_HOME: join(folder, 'store') });
    mkdirSync(join(folder, 'orthanc'));
    const orthanc = await Orthanc.start({
      folder: join(folder, 'orthanc'),
      modalities: { [BRIDGE]: { port: 1, mayStore } },
      takesUnknown,
    });
    const port = (await freePorts('127.0.0.1', 21_000 + Math.floor(Math.random() * 9_000), 1)) ?? 0;
    const site = siteOf(folder, orthanc);
    const settings = {
      AUTOMED_PACS_SITE: site,
      AUTOMED_PACS_HOME: join(folder, 'pacs'),
      AUTOMED_PACS_PORT: String(port),
      AUTOMED_GATEWAY: inference.address,
      AUTOMED_LOG_LEVEL: 'debug',
      ...environment,
    };
    const bridge = await startProgram('pacs', settings);
    return new Platform(folder, orthanc, inference, port, settings, bridge);
  }

  /** kill -9, and the next life. @param whenLogged the event that it is killed at; at once without one */
  async killBridge(whenLogged?: string): Promise<void> {
    const { child, lines } = this.bridge;
    const seen = lines.length;
    const isLogged = (): boolean => lines.slice(seen).some(({ event }) => event === whenLogged);
    if (whenLogged !== undefined) {
      // By the listener itself: with a timer the bridge would be some steps further.
      child.stdout?.on('data', () => void (isLogged() && child.kill('SIGKILL')));
      await until(whenLogged, () => child.signalCode === 'SIGKILL');
    }
    await this.bridge.stop('SIGKILL');
    this.bridge = await startProgram('pacs', this.environment);
  }

  async stop(): Promise<void> {
    await this.bridge.stop();
    await this.inference.stop();
    await this.orthanc.down();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Sends a study of a few slices with storescu. */
  send(study: string, options: StudyOptions = {}): void {
    sendStudy(this.write(study, options), { port: this.port, from: 'SCANNER', to: BRIDGE });
  }

  /** Writes a study of a few slices; answers its folder. */
  write(study: string, { slices = 3, seed = 1, patientId = 'DEMO-1' }: StudyOptions = {}): string {
    const pixels = new Uint8Array(64 * 64).map((_, pixel) => (pixel * (7 + seed)) % 251);
    const pictures = Array.from({ length: slices }, () => ({ pixels, width: 64, height: 64 }));
    const sent = join(this.folder, study);
    mkdirSync(sent, { recursive: true });
    seriesFiles(pictures, { study, patientId }).forEach((file, at) => writeFileSync(join(sent, `${at}.dcm`), file));
    return sent;
  }

  /** Modalities of what the archive has of a study. */
  async archived(study: string): Promise<string[]> {
    const instances = await this.orthanc.query(`/studies/${study}/instances?includefield=00080060`);
    return instances.map((each) => valueOf(each, '00080060')).sort();
  }

  async ask<T>(work: (client: PacsClient) => Promise<T>): Promise<T> {
    const client = new AutomedClient(this.bridge.address, { timeoutMs: 30_000 });
    try {
      return await work(client.pacs);
    } finally {
      client.close();
    }
  }

  /** Whether nothing of a study waits any more. */
  async settled(study: string): Promise<boolean> {
    const found = await this.ask((client) => client.get(study));
    const open = new Set(['WORK_STATE_QUEUED', 'WORK_STATE_RUNNING']);
    const counts = [...(found.study?.analyses ?? []), ...(found.study?.deliveries ?? [])];
    return found.study?.open === false && counts.length > 0 && !counts.some(({ state }) => open.has(state));
  }
}
