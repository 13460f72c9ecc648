// A folder like that of a reader who follows a page: pictures, a store, `npx automed`, the protos and the example clients.

import { spawn, type ChildProcess } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeDemoData } from '../../services/synthetic/demo-data';
import { discImage } from '../support/stack-images';
import { makeStore } from '../support/stack-store';
import { FOLDERS } from './blocks';

const ADDRESS = '127.0.0.1:50051';
const BLOCK_TIMEOUT_MS = 1_800_000;
/** Pictures of each set: as few as a split into three parts takes. */
const PICTURES = 12;

export interface Ran {
  code: number | null;
  /** Standard output and error, as they came. */
  output: string;
}

export class Sandbox {
  private server: ChildProcess | undefined;
  private address = ADDRESS;

  private constructor(
    readonly folder: string,
    private readonly environment: NodeJS.ProcessEnv,
  ) {}

  /** @param variables of the environment of every block */
  static async make(root: string, variables: Record<string, string>): Promise<Sandbox> {
    const folder = mkdtempSync(join(tmpdir(), 'automed-docs-'));
    await writePictures(folder);
    installPackages(root, folder);
    symlinkSync(join(root, 'proto'), join(folder, 'proto'));
    const inherited = Object.entries(process.env).filter(([name]) => !/^(AUTOMED_|npm_)/.test(name));
    const environment = { ...Object.fromEntries(inherited), ...variables, AUTOMED_HOME: join(folder, 'home') };
    const sandbox = new Sandbox(folder, environment);
    sandbox.copyExamples(root);
    return sandbox;
  }

  /** Models of random weights, for pages that begin with trained ones. */
  async addModels(): Promise<void> {
    const store = await makeStore(join(this.folder, 'home'));
    await store.addSegmentation('polyp');
    await store.addClassification('tumour');
  }

  /** Starts `automed serve` on a free port, which then stands for the address that the pages name. */
  async serve(root: string): Promise<void> {
    const server = this.start('npx automed serve --port 0 --no-metrics --quiet');
    this.server = server;
    this.address = await new Promise<string>((resolve, reject) => {
      let written = '';
      server.stdout?.on('data', (chunk: Buffer) => {
        written += chunk.toString();
        const [, address] = /^listening on (\S+)/m.exec(written) ?? [];
        if (address !== undefined) resolve(address);
      });
      server.once('close', (code) => reject(new Error(`automed serve ended with ${code}`)));
    });
    this.copyExamples(root);
  }

  /** Runs a block; it fails with its first command that fails. */
  async run(text: string): Promise<Ran> {
    const child = this.start(this.addressed(text));
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk: Buffer) => (output += chunk.toString()));
    }
    const timer = setTimeout(() => child.kill('SIGKILL'), BLOCK_TIMEOUT_MS);
    const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
    clearTimeout(timer);
    return { code, output };
  }

  async close(): Promise<void> {
    const { server } = this;
    if (server?.exitCode === null) {
      const ended = new Promise((resolve) => server.once('close', resolve));
      server.kill('SIGTERM');
      await ended;
    }
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }

  private start(text: string): ChildProcess {
    return spawn('bash', ['-e', '-o', 'pipefail', '-c', text], {
      cwd: this.folder,
      env: this.environment,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  }

  private addressed(text: string): string {
    return text.replaceAll(ADDRESS, this.address);
  }

  private copyExamples(root: string): void {
    const examples = join(root, 'docs', 'examples');
    for (const name of readdirSync(examples).filter((each) => /\.(py|ts)$/.test(each))) {
      writeFileSync(join(this.folder, name), this.addressed(readFileSync(join(examples, name), 'utf8')));
    }
  }
}

/** image.png and the folders of both tasks. */
async function writePictures(folder: string): Promise<void> {
  const drawn = join(folder, 'drawn');
  await writeDemoData(drawn, { seed: 7, trainCount: PICTURES, testCount: 3 });
  for (const [task, name] of Object.entries(FOLDERS)) {
    cpSync(join(drawn, task, 'train'), join(folder, name), { recursive: true });
  }
  rmSync(drawn, { recursive: true });
  writeFileSync(join(folder, 'image.png'), (await discImage()).png);
}

/** The packages of the checkout, and automed itself with its command. */
function installPackages(root: string, folder: string): void {
  const [from, to] = [join(root, 'node_modules'), join(folder, 'node_modules')];
  mkdirSync(to);
  for (const name of readdirSync(from).filter((each) => !each.startsWith('.'))) {
    symlinkSync(join(from, name), join(to, name));
  }
  cpSync(join(from, '.bin'), join(to, '.bin'), { recursive: true, verbatimSymlinks: true });
  symlinkSync(root, join(to, 'automed'));
  symlinkSync(join(root, 'services', 'cli', 'bin', 'automed.mjs'), join(to, '.bin', 'automed'));
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'reader', private: true }));
}
