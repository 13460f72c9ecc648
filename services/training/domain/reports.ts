// The files of reports, wherever in the store they lie.

import { open, readdir, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { automedError, type AutomedError } from '../../common/errors';
import { localFile, type ModelStore, type StoredBase, type StoredModel } from '../../store';
import { errnoOf } from '../../store/durable';
import { EVALUATION } from './evaluations/evaluation-kind';
import { evaluationFolder, REPORT_FOLDER } from '../../worker/protocol/evaluation-results';
import type { JobQueue } from './jobs/queue';
import { TRAINING } from './jobs/training-kind';
import { MODEL_CARD } from '../../scoring/report/model-card';

/** What a report is of. */
export type ReportSubject =
  { job: string } | { evaluation: string } | { /** Reference. */ model: string } | { /** Reference. */ base: string };

export interface ReportFile {
  name: string;
  /** Bytes. */
  size: number;
  mediaType: string;
}

/** A file that is read. */
export interface OpenedReport {
  file: ReportFile;
  /** Changes when the file does. */
  revision: string;
  pieces: AsyncGenerator<Buffer>;
}

/** Bytes of a file that are held at a time. */
export const PIECE_BYTES = 256 * 1024;
const MEDIA_TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.json': 'application/json',
  '.md': 'text/markdown',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
};

export interface ReportsDeps {
  store: ModelStore;
  queue: JobQueue;
}

export class Reports {
  constructor(private readonly deps: ReportsDeps) {}

  /**
   * By name.
   * @throws NotFoundError when there is no such subject, or it has no report; IllegalStateError while it has not succeeded
   */
  async list(subject: ReportSubject): Promise<ReportFile[]> {
    return (await this.files(subject)).map(({ path: _, revision: __, ...file }) => file);
  }

  /**
   * A file, and its pieces, for which it is opened.
   * @param offset of the first byte that is wanted
   * @throws NotFoundError also when the report has no file of that name, or no longer
   */
  async read(subject: ReportSubject, name: string, offset = 0): Promise<OpenedReport> {
    const found = (await this.files(subject)).find((each) => each.name === name);
    if (!found) throw noFile(name);
    const { path, revision, ...file } = found;
    return { file, revision, pieces: piecesOf(path, name, offset) };
  }

  private async files(subject: ReportSubject): Promise<(ReportFile & { path: string; revision: string })[]> {
    const paths = await this.paths(subject);
    const files = await Promise.all(
      paths.map(async ({ name, path }) => {
        const facts = await stat(path).catch(absent);
        const mediaType = MEDIA_TYPES[extname(name)] ?? 'application/octet-stream';
        if (!facts?.isFile()) return [];
        const revision = `${facts.size.toString(16)}-${Math.floor(facts.mtimeMs).toString(16)}`;
        return [{ name, path, size: facts.size, mediaType, revision }];
      }),
    );
    return files.flat().sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  private async paths(subject: ReportSubject): Promise<{ name: string; path: string }[]> {
    const place = await this.placeOf(subject);
    if (typeof place !== 'string' && place.fetch) return fetched(place);
    const folder = typeof place === 'string' ? place : place.folder;
    const names = await readdir(join(folder, REPORT_FOLDER)).catch(absent);
    if (!names) throw noReport();
    return [
      ...names.map((name) => ({ name, path: join(folder, REPORT_FOLDER, name) })),
      { name: MODEL_CARD, path: join(folder, MODEL_CARD) },
    ];
  }

  /** What holds `report/`: a version, or a folder of this machine. */
  private async placeOf(subject: ReportSubject): Promise<StoredModel | StoredBase | string> {
    const { store } = this.deps;
    if ('model' in subject) return store.resolveModel(subject.model);
    if ('base' in subject) return store.resolveBase(subject.base);
    if ('evaluation' in subject) {
      this.succeeded(EVALUATION, subject.evaluation);
      return evaluationFolder(store.root, subject.evaluation);
    }
    const { result } = this.succeeded(TRAINING, subject.job);
    const { model, base = '' } = result ?? {};
    return model === undefined ? this.placeOf({ base }) : this.placeOf({ model });
  }

  private succeeded(kind: string, id: string) {
    const job = this.deps.queue.get(kind, id);
    if (job.state === 'SUCCEEDED') return job;
    throw automedError('ILLEGAL_STATE', `It is ${job.state}; there is a report when it has succeeded.`, {
      field: 'state',
    });
  }
}

/** Of a version in an object store. */
async function fetched(version: StoredModel | StoredBase): Promise<{ name: string; path: string }[]> {
  const start = `${REPORT_FOLDER}/`;
  const files = Object.keys(version.manifest.files ?? {}).filter(
    (file) => file.startsWith(start) || file === MODEL_CARD,
  );
  if (!files.some((file) => file.startsWith(start))) throw noReport();
  const name = (file: string): string => (file === MODEL_CARD ? file : file.slice(start.length));
  return Promise.all(files.map(async (file) => ({ name: name(file), path: await localFile(version, file) })));
}

const noReport = (): AutomedError => automedError('NOT_FOUND', 'There is no report: it was deleted, or never written.');

/** For promises: undefined instead of a file that is not there. */
function absent(error: unknown): undefined {
  if (['ENOENT', 'ENOTDIR'].includes(errnoOf(error) ?? '')) return undefined;
  throw error;
}

function noFile(name: string): AutomedError {
  return automedError('NOT_FOUND', `The report has no file ${JSON.stringify(name)}.`, { field: 'name' });
}

async function* piecesOf(path: string, name: string, offset: number): AsyncGenerator<Buffer> {
  const handle = await open(path).catch(absent);
  if (!handle) throw noFile(name);
  try {
    for (let at = offset; ;) {
      // A buffer of its own each time: what was handed out may still be on its way.
      const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(PIECE_BYTES), 0, PIECE_BYTES, at);
      if (bytesRead === 0) return;
      at += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await handle.close();
  }
}
