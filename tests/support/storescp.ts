// dcmtk's receiver, which takes the classes that it is told and no others.

import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePorts } from '../../services/stack/free-ports';

const FIRST_PORT = 30_000;

export class StoreScp {
  private constructor(
    readonly port: number,
    private readonly folder: string,
    private readonly process: ChildProcess,
  ) {}

  /** @param classes dcmtk's names of SOP classes, e.g. SecondaryCaptureImageStorage */
  static async start(folder: string, classes: readonly string[]): Promise<StoreScp> {
    const port = await freePorts('127.0.0.1', FIRST_PORT + Math.floor(Math.random() * 9_000), 1);
    if (port === undefined) throw new Error('no free port');
    const received = join(folder, 'received');
    mkdirSync(received, { recursive: true });
    const contexts = ['VerificationSOPClass', ...classes].map(
      (name, at) => `PresentationContext${at + 1} = ${name}\\Uncompressed`,
    );
    const config = join(folder, 'storescp.cfg');
    writeFileSync(
      config,
      ['[[TransferSyntaxes]]', '[Uncompressed]', 'TransferSyntax1 = LittleEndianExplicit']
        .concat(['TransferSyntax2 = LittleEndianImplicit', '[[PresentationContexts]]', '[Only]', ...contexts])
        .concat(['[[Profiles]]', '[Default]', 'PresentationContexts = Only', ''])
        .join('\n'),
    );
    const args = ['-xf', config, 'Default', '-od', received, '-aet', 'STORESCP', String(port)];
    return new StoreScp(port, received, spawn('storescp', args, { stdio: 'ignore' }));
  }

  /** Modalities of what it has, as its names of files begin. */
  received(): string[] {
    return readdirSync(this.folder).map((name) => name.split('.')[0] ?? '');
  }

  stop(): void {
    this.process.kill('SIGKILL');
  }
}
