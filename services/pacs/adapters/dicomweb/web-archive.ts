// An archive that is asked by QIDO-RS, and sends by WADO-RS (PS3.18, 10.4 and 10.6).

import { automedError, AutomedError } from '../../../common/errors';
import { bodyOf, getFrom, WebError, type WebService } from '../../../dicomweb/client';
import { parseMediaType } from '../../../dicomweb/media-type';
import { MultipartError, readMultipart, type PartSink } from '../../../dicomweb/multipart';
import type { Archive, RemoteInstance, Told, Wanted } from '../../domain/pull';
import type { Source } from '../../../dicom-net/reception';
import { FileIntake } from '../file-intake';
import type { Receiver } from '../receiver';

export interface WebArchiveDeps {
  service: WebService;
  receiver: Receiver;
  /** Name of the archive, and AE title that objects count as sent to. */
  source: Pick<Source, 'calling' | 'called'>;
}

/** As stored, or else as the archive likes: some know no other, and some fail to turn what is compressed into something else. */
const ACCEPT = [
  'multipart/related; type="application/dicom"; transfer-syntax=*',
  'multipart/related; type="application/dicom"',
];
const PAGE = 1000;
/** Of a page of a query, bytes. */
const MAX_PAGE_BYTES = 64 * 1024 * 1024;
/** Pages of a query; a service that never ends is none. */
const MOST_PAGES = 1000;

type Json = Record<string, { Value?: unknown[] } | undefined>;

const valueOf = (object: Json, tag: string): string => {
  const [value] = object[tag]?.Value ?? [];
  return typeof value === 'string' ? value.trim() : '';
};

function archiveError(error: unknown): AutomedError {
  if (error instanceof AutomedError) return error;
  const { status = 0, code = 'unknown' } = error as Partial<WebError>;
  if (status === 401 || status === 403) {
    return automedError('ILLEGAL_STATE', `The archive does not accept user or password (HTTP ${status}).`);
  }
  if (status === 404) return automedError('NOT_FOUND', 'The archive has nothing of it.', { field: 'study_uid' });
  if (error instanceof MultipartError) {
    return automedError('SERVICE_UNAVAILABLE', 'The archive ended an answer before its end.');
  }
  return automedError('SERVICE_UNAVAILABLE', `The archive does not answer (${code}).`, { cause: error });
}

/** An archive that speaks DICOMweb. */
export class WebArchive implements Archive {
  constructor(private readonly deps: WebArchiveDeps) {}

  async list({ study, series }: Wanted, signal: AbortSignal): Promise<RemoteInstance[]> {
    const path = `/studies/${study}${series === undefined ? '' : `/series/${series}`}/instances`;
    const found = new Map<string, RemoteInstance>();
    try {
      for (let page = 0; page < MOST_PAGES; page += 1) {
        const before = found.size;
        const query = `?includefield=00080016&limit=${PAGE}&offset=${found.size}`;
        for (const object of await this.query(`${path}${query}`, signal)) {
          const sopInstance = valueOf(object, '00080018');
          const of = valueOf(object, '0020000E') || (series ?? '');
          if (sopInstance === '' || of === '') continue;
          found.set(sopInstance, { series: of, sopInstance, sopClass: valueOf(object, '00080016') });
        }
        // A page may be shorter than was asked for, and a service that knows no pages gives the first one again.
        if (found.size === before) break;
      }
    } catch (error) {
      const failure = archiveError(error);
      if (failure.code !== 'NOT_FOUND') throw failure;
    }
    return [...found.values()];
  }

  private async query(path: string, signal: AbortSignal): Promise<Json[]> {
    const response = await getFrom(this.deps.service, path, 'application/dicom+json', signal);
    const body = await bodyOf(response, MAX_PAGE_BYTES);
    if (response.statusCode === 204 || body.length === 0) return [];
    try {
      const parsed: unknown = JSON.parse(body.toString('utf8'));
      return Array.isArray(parsed) ? (parsed as Json[]) : [];
    } catch {
      throw new WebError('no JSON', response.statusCode ?? 0);
    }
  }

  async fetch({ study }: Wanted, instances: readonly RemoteInstance[], told: Told, signal: AbortSignal): Promise<void> {
    const series = new Map<string, Set<string>>();
    for (const { series: of, sopInstance } of instances) {
      series.set(of, (series.get(of) ?? new Set()).add(sopInstance));
    }
    for (const [uid, left] of series) await this.fetchSeries(`/studies/${study}/series/${uid}`, left, told, signal);
  }

  /** A whole series in one answer; what that does not bring, object by object. */
  private async fetchSeries(path: string, left: Set<string>, told: Told, signal: AbortSignal): Promise<void> {
    try {
      await this.retrieve(path, left, told, signal);
    } catch (error) {
      const failure = archiveError(error);
      if (signal.aborted || failure.code === 'ILLEGAL_STATE') throw failure;
    }
    let last: AutomedError | undefined;
    for (const uid of [...left]) {
      await this.retrieve(`${path}/instances/${uid}`, left, told, signal).catch((error: unknown) => {
        last = archiveError(error);
        if (signal.aborted || last.code === 'ILLEGAL_STATE') throw last;
      });
    }
    if (last && left.size > 0) throw last;
  }

  /** @param left UIDs that have not come; those that come are taken out */
  private async retrieve(path: string, left: Set<string>, told: Told, signal: AbortSignal): Promise<void> {
    const response = await this.open(path, signal);
    const { type, parameters } = parseMediaType(response.headers['content-type'] ?? '');
    if (type !== 'multipart/related') {
      response.destroy();
      throw new WebError('no multipart/related', response.statusCode ?? 0);
    }
    await readMultipart(response as AsyncIterable<Buffer>, parameters.get('boundary') ?? '', () =>
      this.sinkOf(left, told),
    );
  }

  private async open(path: string, signal: AbortSignal) {
    let first: unknown;
    for (const accept of ACCEPT) {
      try {
        return await getFrom(this.deps.service, path, accept, signal);
      } catch (error) {
        first ??= error;
        const { status = 0 } = error as Partial<WebError>;
        if (![400, 406, 415].includes(status)) throw error;
      }
    }
    throw first;
  }

  private sinkOf(left: Set<string>, told: Told): PartSink {
    const { receiver, source } = this.deps;
    const intake = new FileIntake(receiver, { way: 'pull', ...source }, { mayBeCut: true });
    return {
      write: (chunk) => intake.write(chunk),
      end: async () => {
        const outcome = await intake.finish();
        if (outcome.uids) left.delete(outcome.uids.sopInstance);
        told.outcome(outcome);
      },
      abort: () => intake.discard(),
    };
  }
}
