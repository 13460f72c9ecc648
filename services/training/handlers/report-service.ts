import type { UntypedServiceImplementation } from '@grpc/grpc-js';
import type { ListReportFilesRequest__Output } from '../../../proto/gen/automed/reports/v1/ListReportFilesRequest';
import type { ReadReportFileRequest__Output } from '../../../proto/gen/automed/reports/v1/ReadReportFileRequest';
import type { ReadReportFileResponse } from '../../../proto/gen/automed/reports/v1/ReadReportFileResponse';
import type { ReportFile as ReportFileMessage } from '../../../proto/gen/automed/reports/v1/ReportFile';
import type { ReportSubject__Output } from '../../../proto/gen/automed/reports/v1/ReportSubject';
import { automedError } from '../../common/errors';
import { serverStream, unary, type ServiceRegistration } from '../../common/grpc/handlers';
import { serviceDefinition } from '../../common/grpc/proto';
import type { Logger } from '../../common/logging';
import type { ReportFile, Reports, ReportSubject } from '../domain/reports';

const NAME = 'automed.reports.v1.ReportService';
const DEFAULT_FILE = 'report.html';

function fromSubject(message: ReportSubject__Output | null): ReportSubject {
  const { trainingJobId, evaluationId, model, base } = message ?? {};
  if (trainingJobId) return { job: trainingJobId };
  if (evaluationId) return { evaluation: evaluationId };
  if (model) return { model };
  if (base) return { base };
  throw automedError('INVALID_ARGUMENT', 'The request does not say what the report is of.', { field: 'subject' });
}

const toFile = ({ name, size, mediaType }: ReportFile): ReportFileMessage => ({ name, sizeBytes: size, mediaType });

async function* read(
  reports: Reports,
  { subject, name, resumeToken }: ReadReportFileRequest__Output,
): AsyncGenerator<ReadReportFileResponse> {
  const from = resumeToken === '' ? undefined : placeOf(resumeToken);
  const wanted = name === '' ? DEFAULT_FILE : name;
  const { file, revision, pieces } = await reports.read(fromSubject(subject), wanted, from?.offset);
  if (from && from.revision !== revision) {
    throw automedError('ILLEGAL_STATE', 'The file has changed meanwhile; read it anew.', { field: 'resume_token' });
  }
  let offset = from?.offset ?? 0;
  const token = (): string => `${revision}.${offset}`;
  if (!from) yield { file: toFile(file), resumeToken: token() };
  for await (const data of pieces) {
    offset += data.length;
    yield { data, resumeToken: token() };
  }
}

function placeOf(token: string): { revision: string; offset: number } {
  const [, revision = '', offset = ''] = /^([0-9a-f]{1,16}-[0-9a-f]{1,16})\.(\d{1,15})$/.exec(token) ?? [];
  if (revision !== '') return { revision, offset: Number(offset) };
  throw automedError('INVALID_ARGUMENT', 'The token is not one of a report.', { field: 'resume_token' });
}

export function reportService(reports: Reports, log: Logger): ServiceRegistration {
  const implementation: UntypedServiceImplementation = {
    ListReportFiles: unary(log, async ({ subject }: ListReportFilesRequest__Output) => ({
      files: (await reports.list(fromSubject(subject))).map(toFile),
    })),
    ReadReportFile: serverStream(log, (request: ReadReportFileRequest__Output) => read(reports, request)),
  };
  return { name: NAME, definition: serviceDefinition(NAME), implementation };
}
