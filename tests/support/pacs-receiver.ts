// What receives objects, on a folder of its own: journal, spool and receiver, without any port.

import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger, type Logger } from '../../services/common/logging';
import { dataSetOf } from '../../services/dicom-net/part10';
import { openJournal, type Journal } from '../../services/pacs/adapters/journal/journal';
import { Receiver } from '../../services/pacs/adapters/receiver';
import { Spool } from '../../services/pacs/adapters/spool';

export interface Receiving {
  folder: string;
  journal: Journal;
  spool: Spool;
  receiver: Receiver;
  log: Logger;
  /** Whether the disk has room. */
  room: { value: boolean; check?: () => boolean };
  /** Names of received files, unfinished ones too. */
  files(): string[];
  /** Data sets of what is kept, hexadecimal, sorted. */
  dataSets(): string[];
  end(): void;
}

export const dataSetsOf = (files: readonly Buffer[]): string[] =>
  files.map((file) => dataSetOf(file).toString('hex')).sort();

export async function receiving(): Promise<Receiving> {
  const folder = mkdtempSync(join(tmpdir(), 'automed-receiving-'));
  const journal = openJournal(join(folder, 'journal.db'));
  const received = join(folder, 'received');
  const spool = await Spool.open(received);
  const room: Receiving['room'] = { value: true };
  const log = createLogger('test', 'silent');
  const receiver = new Receiver({
    spool,
    journal: journal.arrivals,
    room: { hasRoom: () => room.check?.() ?? room.value },
    log,
  });
  const files = (): string[] =>
    (readdirSync(received, { recursive: true }) as string[]).filter((name) => /\.(dcm|part)$/.test(name));
  return {
    folder,
    journal,
    spool,
    receiver,
    log,
    room,
    files,
    dataSets: () => dataSetsOf(files().map((name) => readFileSync(join(received, name)))),
    end: () => {
      journal.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Grey pictures of 64 x 64 pixels. */
export function pictures(count: number): { pixels: Uint8Array; width: number; height: number }[] {
  const pixels = new Uint8Array(64 * 64).map((_, at) => at % 251);
  return Array.from({ length: count }, () => ({ pixels, width: 64, height: 64 }));
}
