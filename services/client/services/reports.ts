import { randomUUID } from 'node:crypto';
import { open, rename, rm, type FileHandle } from 'node:fs/promises';
import type { Channel } from '@grpc/grpc-js';
import type { ReadReportFileResponse__Output } from '../../../proto/gen/automed/reports/v1/ReadReportFileResponse';
import type { ReportFile__Output } from '../../../proto/gen/automed/reports/v1/ReportFile';
import type { ReportServiceDefinition } from '../../../proto/gen/automed/reports/v1/ReportService';
import type { ReportSubject } from '../../../proto/gen/automed/reports/v1/ReportSubject';
import { automedError } from '../../common/errors';
import { present } from '../core/answers';
import { Caller } from '../core/caller';
import type { CallOptions, ClientOptions, StreamOptions } from '../core/options';

/** Reports of trainings, evaluations, models and bases. Every method rejects with an AutomedError. */
export class ReportsClient {
  private readonly calls: Caller<ReportServiceDefinition>;

  constructor(channel: Channel, options: ClientOptions) {
    this.calls = new Caller('automed.reports.v1.ReportService', channel, options);
  }

  /** The files of a report, by name. */
  async list(subject: ReportSubject, options?: CallOptions): Promise<ReportFile__Output[]> {
    return (await this.calls.unary('ListReportFiles', { subject }, options)).files;
  }

  /** A file in pieces of 256 KiB; the first one describes it. A stream that breaks goes on with the next byte. @param name default: the report itself */
  read(subject: ReportSubject, name = '', options?: StreamOptions): AsyncGenerator<ReadReportFileResponse__Output> {
    return this.calls.resumedStream('ReadReportFile', { subject, name }, options);
  }

  /** Writes a file to `path`, which appears when it is complete. @param name default: the report itself */
  async save(subject: ReportSubject, path: string, name = '', options?: StreamOptions): Promise<ReportFile__Output> {
    const partial = `${path}.${randomUUID().slice(0, 8)}.partial`;
    try {
      const handle = await open(partial, 'w');
      const file = await this.write(handle, this.read(subject, name, options)).finally(() => handle.close());
      await rename(partial, path);
      return file;
    } finally {
      await rm(partial, { force: true });
    }
  }

  private async write(
    handle: FileHandle,
    pieces: AsyncIterable<ReadReportFileResponse__Output>,
  ): Promise<ReportFile__Output> {
    let file: ReportFile__Output | null = null;
    let bytes = 0;
    for await (const piece of pieces) {
      file ??= piece.file;
      await handle.writeFile(piece.data);
      bytes += piece.data.length;
    }
    const described = present(file, 'file');
    if (Number(described.sizeBytes) === bytes) return described;
    throw automedError('ILLEGAL_STATE', `The report changed while it was read: ${bytes} bytes came; try again.`);
  }
}
