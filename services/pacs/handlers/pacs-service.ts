import type { UntypedServiceImplementation } from '@grpc/grpc-js';
import type { ListStudiesRequest__Output } from '../../../proto/gen/automed/pacs/v1/ListStudiesRequest';
import type { PullStudyRequest__Output } from '../../../proto/gen/automed/pacs/v1/PullStudyRequest';
import type { PullStudyResponse } from '../../../proto/gen/automed/pacs/v1/PullStudyResponse';
import type { ResolveStudyRequest__Output } from '../../../proto/gen/automed/pacs/v1/ResolveStudyRequest';
import { explainEncoding } from '../../analysis';
import { automedError } from '../../common/errors';
import { serverStream, unary, type ServiceRegistration } from '../../common/grpc/handlers';
import { serviceDefinition } from '../../common/grpc/proto';
import type { Logger } from '../../common/logging';
import type { Journal } from '../adapters/journal/journal';
import type { Decision } from '../adapters/journal/steering';
import { requireRoom } from '../../common/received-files';
import { pull, type Archive, type PullCounts, type PullJournal } from '../domain/pull';
import { viewerUrlOf, type Site } from '../../pacs-site/schema';
import { verifyResult, type VerifyDeps } from './verify-result';
import { namedState, toSeries, toStatus, toStudy, type ExplainedVerdict } from './pacs-messages';

const NAME = 'automed.pacs.v1.PacsService';
const DEFAULT_PAGE = 50;
const LARGEST_PAGE = 1000;

export interface PacsServiceDeps {
  journal: Journal;
  site: () => Site;
  /** `host:port` where DICOM is received. */
  dicomAddress: () => string;
  hasRoom: () => boolean;
  away: () => string[];
  /** An archive of the site. @throws AutomedError */
  archive: (name: string, by: 'get' | 'move') => Archive;
  verification: VerifyDeps;
  /** Tells the audit trail what a person decided. */
  onSteered: (study: number, what: string) => Promise<void>;
  log: Logger;
}

interface WithStudy {
  study: string;
}

const tokenOf = ({ arrivalTime, number }: { arrivalTime: number; number: number }): string =>
  `${arrivalTime}.${number}`;

function placeOf(token: string): { time: number; number: number } | undefined {
  if (token === '') return undefined;
  const [, time, number] = /^(\d{1,16})\.(\d{1,16})$/.exec(token) ?? [];
  if (time !== undefined && number !== undefined) return { time: Number(time), number: Number(number) };
  throw automedError('INVALID_ARGUMENT', 'The page token is not one of ListStudies.', { field: 'page_token' });
}

function sizeOf(pageSize: number): number {
  if (pageSize >= 0 && pageSize <= LARGEST_PAGE) return pageSize === 0 ? DEFAULT_PAGE : pageSize;
  throw automedError('INVALID_ARGUMENT', `A page has 0 to ${LARGEST_PAGE} studies.`, { field: 'page_size' });
}

const KEEP = { KEPT_OBJECT_FIRST: 'first', KEPT_OBJECT_LAST: 'last' } as const;

function decisionOf({ keep, patientId }: ResolveStudyRequest__Output): Decision {
  const kept = keep === 'KEPT_OBJECT_FIRST' || keep === 'KEPT_OBJECT_LAST' ? KEEP[keep] : undefined;
  if (kept === undefined && patientId === '') {
    const message = 'Say which object holds, the first or the last, or whose objects hold.';
    throw automedError('INVALID_ARGUMENT', message, { field: 'keep' });
  }
  const [id = '', ...issuer] = patientId.split('^^^');
  return { keep: kept, patient: patientId === '' ? undefined : [id, issuer.join('^^^')].join('\\') };
}

export function pacsService(deps: PacsServiceDeps): ServiceRegistration {
  const { journal, site, log } = deps;
  const { overview, steering } = journal;
  const numberOf = ({ study }: WithStudy): number => {
    const number = overview.numberOf(study);
    if (number !== undefined) return number;
    throw automedError('NOT_FOUND', 'The journal has no such study.', { field: 'study' });
  };
  const implementation: UntypedServiceImplementation = {
    GetStatus: unary(log, () => ({
      ...toStatus(overview.totals(), Date.now()),
      dicomAddress: deps.dicomAddress(),
      aeTitles: site().ae_title,
      hasRoom: deps.hasRoom(),
      awayDestinations: deps.away(),
    })),
    ListStudies: unary(log, ({ pageSize, pageToken, state }: ListStudiesRequest__Output) => {
      const most = sizeOf(pageSize);
      const studies = overview.studies(most, placeOf(pageToken), namedState(state));
      const last = studies.at(-1);
      const nextPageToken = studies.length === most && last ? tokenOf(last) : '';
      return { studies: studies.map(toStudy), nextPageToken };
    }),
    GetStudy: unary(log, (request: WithStudy) => {
      const number = numberOf(request);
      const study = overview.study(number);
      const series = overview.series(number);
      return {
        study: { ...toStudy(study), viewerUrl: viewerUrlOf(site(), study.study) },
        series: series.map((each) => toSeries(each, explained(each.number, deps))),
      };
    }),
    RetryStudy: unary(log, async (request: WithStudy) => {
      const study = numberOf(request);
      await deps.onSteered(study, 'retry');
      const retried = steering.retry(study, site().rules);
      return { ...counted(retried), heldCount: retried.held };
    }),
    DiscardStudy: unary(log, async (request: WithStudy) => {
      const study = numberOf(request);
      await deps.onSteered(study, 'discard');
      return counted(steering.discard(study));
    }),
    VerifyResult: verifyResult(log, deps.verification),
    ResolveStudy: unary(log, async (request: ResolveStudyRequest__Output) => {
      const [study, decision] = [numberOf(request), decisionOf(request)];
      await deps.onSteered(study, 'resolve');
      const rejectedCount = steering.resolve(study, decision);
      if (rejectedCount !== undefined) return { rejectedCount };
      const message =
        'No object of the study names this patient. Where they name an issuer of the ID, it is ID^^^ISSUER.';
      throw automedError('INVALID_ARGUMENT', message, { field: 'patient_id' });
    }),
    PullStudy: serverStream(log, (request: PullStudyRequest__Output, { signal }) => pulled(request, deps, signal)),
  };
  return { name: NAME, definition: serviceDefinition(NAME), implementation };
}

function explained(series: number, { journal, site }: PacsServiceDeps): ExplainedVerdict[] {
  const { rules, destinations } = site();
  return journal.completion.explain(series, rules).map((verdict) => {
    const rule = rules.find(({ name }) => name === verdict.rule);
    const sends = verdict.fits && rule?.results.includes('SEG') ? rule.send_to : [];
    const encodings = sends.flatMap((name) => {
      const destination = destinations[name];
      const choice = destination && explainEncoding(destination.encodings, journal.parcels.refusals(name));
      return choice ? [{ destination: name, ...choice }] : [];
    });
    return { ...verdict, encodings };
  });
}

function counted({ analyses, deliveries }: { analyses: number; deliveries: number }) {
  return { analysisCount: analyses, deliveryCount: deliveries };
}

const UID = /^[0-9.]{1,64}$/;

/** What a token says of the pull that it is of. */
function countsOf(token: string): PullCounts {
  const [known, received, refused, missing] = token.split('.').map(Number);
  const isWhole = /^\d{1,9}(\.\d{1,9}){3}$/.test(token);
  if (isWhole && known !== undefined && received !== undefined && refused !== undefined && missing !== undefined)
    return { known, received, refused, missing };
  throw automedError('INVALID_ARGUMENT', 'The token is not one of a pull.', { field: 'resume_token' });
}

async function* pulled(
  { studyUid, seriesUid, archive, method, resumeToken }: PullStudyRequest__Output,
  deps: PacsServiceDeps,
  signal: AbortSignal,
): AsyncGenerator<PullStudyResponse> {
  if (!UID.test(studyUid)) throw automedError('INVALID_ARGUMENT', 'The study is no UID.', { field: 'study_uid' });
  if (seriesUid !== '' && !UID.test(seriesUid)) {
    throw automedError('INVALID_ARGUMENT', 'The series is no UID.', { field: 'series_uid' });
  }
  requireRoom(deps.hasRoom);
  const from = deps.archive(archive, method === 'PULL_METHOD_MOVE' ? 'move' : 'get');
  const { arrivals, completion } = deps.journal;
  const journal: PullJournal = {
    missing: (uids) => arrivals.missing(uids),
    expect: (study, series, count) => completion.expect(study, series, count),
  };
  const wanted = { study: studyUid, ...(seriesUid === '' ? {} : { series: seriesUid }) };
  const before = resumeToken === '' ? undefined : countsOf(resumeToken);
  for await (const progress of pull(wanted, from, journal, signal, before)) {
    const { found, known, received, refused, missing, reason } = progress;
    yield {
      resumeToken: [known, received, refused, missing].join('.'),
      foundCount: found,
      knownCount: known,
      receivedCount: received,
      refusedCount: refused,
      missingCount: missing,
      reason,
    };
  }
}
