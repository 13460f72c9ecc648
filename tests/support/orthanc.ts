// A real picture archive for tests: Debian's Orthanc with DICOMweb, on free loopback ports, in a folder of its own.

import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePorts } from '../../services/stack/free-ports';
import { installPackages } from './debian';

/** Debian packages of what these tests run. */
export const PACS_PACKAGES = ['orthanc', 'orthanc-dicomweb', 'dcmtk', 'dicom3tools'];

const PROGRAM = '/usr/sbin/Orthanc';
const PLUGIN = '/usr/share/orthanc/plugins/libOrthancDicomWeb.so';
const PATIENCE_MS = 60_000;
const POLL_MS = 50;

/** Why there is no archive; undefined when there is. */
export function whyNoOrthanc(): string | undefined {
  const missing = [PROGRAM, PLUGIN, '/usr/bin/storescu', '/usr/bin/echoscu'].filter((file) => !existsSync(file));
  return missing.length === 0
    ? undefined
    : `apt-get install ${PACS_PACKAGES.join(' ')}: ${missing.join(', ')} is missing`;
}

/** Installs what is missing, with apt. */
export function installPacsTools(): void {
  if (whyNoOrthanc() === undefined) return;
  installPackages(PACS_PACKAGES);
  const why = whyNoOrthanc();
  if (why !== undefined) throw new Error(why);
}

export interface OrthancOptions {
  folder: string;
  aet?: string;
  /** AE titles that may store, with where they listen. */
  modalities: Readonly<Record<string, { port: number; mayStore?: boolean }>>;
  /** Whether it takes objects of classes that it does not know, such as label maps. */
  takesUnknown?: boolean;
}

/** Elements by tag, as DICOM JSON writes them. */
export type DicomJson = Record<string, { vr: string; Value?: unknown[] }>;

const USER = 'tests';
const PASSWORD = 'secret';

/** The ports stay the same for all lives of an archive. */
export class Orthanc {
  private process: ChildProcess | undefined;

  private constructor(
    private readonly folder: string,
    readonly aet: string,
    readonly dicomPort: number,
    readonly httpPort: number,
  ) {}

  /** Of DICOMweb. */
  get url(): string {
    return `http://127.0.0.1:${this.httpPort}/dicom-web`;
  }

  get user(): string {
    return USER;
  }

  get password(): string {
    return PASSWORD;
  }

  static async start({ folder, aet = 'TESTPACS', modalities, takesUnknown = true }: OrthancOptions): Promise<Orthanc> {
    const first = await freePorts('127.0.0.1', 20_000 + Math.floor(Math.random() * 20_000), 2);
    if (first === undefined) throw new Error('no two free ports');
    const orthanc = new Orthanc(folder, aet, first, first + 1);
    mkdirSync(join(folder, 'db'), { recursive: true });
    const known = Object.entries(modalities).map(([title, { port, mayStore = true }]) => [
      title.toLowerCase(),
      {
        AET: title,
        Host: '127.0.0.1',
        Port: port,
        AllowEcho: true,
        AllowStore: mayStore,
        AllowFind: true,
        AllowGet: true,
        AllowMove: true,
      },
    ]);
    const config = {
      Name: aet,
      StorageDirectory: join(folder, 'db'),
      IndexDirectory: join(folder, 'db'),
      Plugins: [PLUGIN],
      HttpPort: orthanc.httpPort,
      RemoteAccessAllowed: false,
      AuthenticationEnabled: true,
      RegisteredUsers: { [USER]: PASSWORD },
      DicomAet: aet,
      DicomPort: orthanc.dicomPort,
      DicomCheckCalledAet: true,
      DicomAlwaysAllowEcho: true,
      DicomAlwaysAllowStore: false,
      UnknownSopClassAccepted: takesUnknown,
      OverwriteInstances: true,
      StableAge: 2,
      DicomModalities: Object.fromEntries(known) as object,
      DicomWeb: { Enable: true, Root: '/dicom-web/', StudiesMetadata: 'Full', SeriesMetadata: 'Full' },
    };
    writeFileSync(join(folder, 'orthanc.json'), JSON.stringify(config));
    await orthanc.up();
    return orthanc;
  }

  /** Starts it, for the first time or again. */
  async up(): Promise<void> {
    this.process = spawn(PROGRAM, ['orthanc.json'], { cwd: this.folder, stdio: 'ignore' });
    const end = Date.now() + PATIENCE_MS;
    while (!(await this.answers())) {
      if (Date.now() > end || this.process.exitCode !== null) throw new Error('Orthanc did not start');
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }

  /** Ends it; what it stored stays. */
  async down(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const child = this.process;
    this.process = undefined;
    if (child?.exitCode !== null) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    await gone;
  }

  /** Both planes: DICOMweb proves that the plugin was loaded, too. */
  private async answers(): Promise<boolean> {
    const web = await this.get('/studies').then(
      (response) => response.ok,
      () => false,
    );
    const echo = ['-aet', 'TESTS', '-aec', this.aet, '127.0.0.1', String(this.dicomPort)];
    return web && spawnSync('echoscu', echo).status === 0;
  }

  get(path: string, accept = 'application/dicom+json'): Promise<Response> {
    const authorization = `Basic ${Buffer.from(`${USER}:${PASSWORD}`).toString('base64')}`;
    return fetch(`${this.url}${path}`, { headers: { accept, authorization } });
  }

  /** QIDO-RS. */
  async query(path: string): Promise<DicomJson[]> {
    const response = await this.get(path);
    return response.status === 204 ? [] : ((await response.json()) as DicomJson[]);
  }

  /** WADO-RS: all objects below a path, as they are stored. */
  async retrieve(path: string): Promise<Buffer[]> {
    const response = await this.get(path, 'multipart/related; type="application/dicom"; transfer-syntax=*');
    if (!response.ok) throw new Error(`WADO-RS ${path}: HTTP ${response.status}`);
    const boundary = /boundary="?([^";]+)/.exec(response.headers.get('content-type') ?? '')?.[1] ?? '';
    return partsOf(Buffer.from(await response.arrayBuffer()), boundary);
  }
}

/** Bodies of the parts of a multipart message. */
function partsOf(bytes: Buffer, boundary: string): Buffer[] {
  const parts: Buffer[] = [];
  const mark = `--${boundary}`;
  for (let at = bytes.indexOf(mark); at >= 0;) {
    const next = bytes.indexOf(mark, at + mark.length);
    if (next < 0) break;
    const body = bytes.indexOf('\r\n\r\n', at) + 4;
    parts.push(bytes.subarray(body, next - 2));
    at = next;
  }
  return parts;
}

/** The first value of an element as text; empty without one. */
export function valueOf(object: DicomJson | undefined, tag: string): string {
  const [value] = object?.[tag]?.Value ?? [];
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}
