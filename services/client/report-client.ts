import { open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ReportFile__Output } from '../../proto/gen/automed/reports/v1/ReportFile';
import type { ReportServiceDefinition } from '../../proto/gen/automed/reports/v1/ReportService';
import type { ReportSubject } from '../../proto/gen/automed/reports/v1/ReportSubject';
import { automedError } from '../common/errors';
import { ApiClient } from '../common/grpc/client';
import { temporaryName } from '../store/durable';

/** Reports as the command line asks for them. Every method rejects with a typed error. */
export class ReportClient {
  private readonly client: ApiClient<ReportServiceDefinition>;
  private readonly settings: { timeoutMs: number };

  /**
   * @param address `host:port` of a gateway or of the training service
   * @param timeoutMs what one call may take, all pieces of a file together
   */
  constructor(address: string, timeoutMs: number) {
    this.client = new ApiClient('automed.reports.v1.ReportService', address);
    this.settings = { timeoutMs };
  }

  /** By name. */
  async list(subject: ReportSubject): Promise<ReportFile__Output[]> {
    return (await this.client.unary('ListReportFiles', { subject }, this.settings)).files;
  }

  /** Writes a file of a report to `path`, which appears when it is complete. @param name empty: the report itself */
  async save(subject: ReportSubject, name: string, path: string): Promise<ReportFile__Output> {
    const temporary = join(dirname(path), temporaryName());
    let file: ReportFile__Output | null = null;
    try {
      const handle = await open(temporary, 'w');
      let bytes = 0;
      try {
        for await (const piece of this.client.serverStream('ReadReportFile', { subject, name }, this.settings)) {
          file ??= piece.file;
          await handle.writeFile(piece.data);
          bytes += piece.data.length;
        }
      } finally {
        await handle.close();
      }
      if (file === null || Number(file.sizeBytes) !== bytes) {
        throw automedError('ILLEGAL_STATE', `The report changed while it was read: ${bytes} bytes came; try again.`);
      }
      await rename(temporary, path);
      return file;
    } finally {
      await rm(temporary, { force: true });
    }
  }

  close(): void {
    this.client.close();
  }
}
