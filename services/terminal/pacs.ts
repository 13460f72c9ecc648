import type { Analysis__Output } from '../../proto/gen/automed/pacs/v1/Analysis';
import type { GetStatusResponse__Output } from '../../proto/gen/automed/pacs/v1/GetStatusResponse';
import type { GetStudyResponse__Output } from '../../proto/gen/automed/pacs/v1/GetStudyResponse';
import type { Series__Output } from '../../proto/gen/automed/pacs/v1/Series';
import type { StateCount__Output } from '../../proto/gen/automed/pacs/v1/StateCount';
import type { VerifyResultResponse__Output } from '../../proto/gen/automed/pacs/v1/VerifyResultResponse';
import { duration } from '../common/duration';

const stateText = (state: string): string => state.replace('WORK_STATE_', '').toLowerCase();

/** `2 done, 1 dead`. */
export function workText(counts: readonly StateCount__Output[]): string {
  return counts.map(({ state, count }) => `${count} ${stateText(state)}`).join(', ') || 'none';
}

export function statusLines(status: GetStatusResponse__Output): string[] {
  const { oldestWaitSeconds, awayDestinations, waitingReviewCount, deadReviewCount } = status;
  const reviews = [`${waitingReviewCount} waiting`, ...(deadReviewCount === 0 ? [] : [`${deadReviewCount} dead`])];
  return [
    `receiving on ${status.dicomAddress} as ${status.aeTitles.join(', ')}`,
    ...(status.hasRoom ? [] : ['no room: the disk is above its watermark, and senders are refused']),
    `${status.studyCount} studies, ${status.instanceCount} objects, ${status.openSeriesCount} series that may still grow`,
    `analyses:   ${workText(status.analyses)}`,
    `deliveries: ${workText(status.deliveries)}`,
    ...(waitingReviewCount + deadReviewCount === 0 ? [] : [`reviews:    ${reviews.join(', ')}`]),
    ...(oldestWaitSeconds === undefined ? [] : [`the oldest waits for ${duration(oldestWaitSeconds)}`]),
    ...(awayDestinations.length > 0 ? [`away: ${awayDestinations.join(', ')}`] : []),
  ];
}

function seriesLine({
  modality,
  description,
  instanceCount,
  conflictCount,
  revision,
  open,
  seriesUid,
}: Series__Output) {
  const conflicts = conflictCount === 0 ? '' : `, ${conflictCount} in conflict`;
  const state = open ? 'may still grow' : `revision ${revision}`;
  return `${modality || 'series'} "${description}", ${instanceCount} objects${conflicts}, ${state} (${seriesUid})`;
}

function analysisLines({ rule, revision, state, attempts, code, message, model, results }: Analysis__Output): string[] {
  const by = model === '' ? '' : ` by ${model}`;
  const tries = attempts > 1 ? ` after ${attempts} attempts` : '';
  return [
    `  rule ${rule}, revision ${revision}: ${stateText(state)}${by}${tries}`,
    ...(code === '' ? [] : [`    ${code}: ${message}`]),
    ...results.flatMap(({ kind, sopInstanceUid, deliveries }) => [
      `    ${kind} ${sopInstanceUid}`,
      ...deliveries.map((delivery) => {
        const why = delivery.code === '' ? '' : ` (${delivery.code}: ${delivery.message})`;
        return `      to ${delivery.destination}: ${stateText(delivery.state)}${why}`;
      }),
    ]),
  ];
}

/** A study with all that became of it. */
export function studyLines({ study, series }: GetStudyResponse__Output): string[] {
  return [
    `study ${study?.number ?? ''} (${study?.studyUid ?? ''})`,
    ...series.flatMap((each) => [seriesLine(each), ...each.analyses.flatMap(analysisLines)]),
  ];
}

/** Why results went, or will go, as what they are. */
function sentLines({ rule, revision, results }: Analysis__Output): string[] {
  const lines = results.flatMap(({ kind, deliveries }) =>
    deliveries.map(({ destination, reason, state, message }) => {
      const why = state === 'WORK_STATE_SUPERSEDED' && message !== '' ? `not sent: ${message}` : reason;
      return `    ${kind} to ${destination}: ${why}`;
    }),
  );
  // Each capture of a series says the same.
  const unique = [...new Set(lines)];
  return unique.length === 0 ? [] : [`  ${rule}, revision ${revision}, sends`, ...unique];
}

/** What each rule makes of each series, and in which encodings its results go where. */
export function explanation({ study, series }: GetStudyResponse__Output): string[] {
  return series.flatMap((each) => [
    seriesLine(each),
    ...(each.verdicts.length === 0 ? ['  there are no rules'] : []),
    ...each.verdicts.flatMap(({ rule, fits, dryRun, missed, reasons, encodings }) => [
      `  ${rule}: ${fits ? (dryRun ? 'fits; nothing is done (dry run)' : 'fits') : `no: ${reasons.join('; ')}`}`,
      ...(missed ? [`    not analysed: fits only now; automed pacs retry ${study?.number ?? ''} makes up for it`] : []),
      ...encodings.map(
        ({ destination, encoding, reason }) => `    to ${destination} as ${encoding || 'nothing'}: ${reason}`,
      ),
    ]),
    ...each.analyses.flatMap(sentLines),
  ]);
}

/** `equal`, or what is not, and what has changed since a result was made. */
export function verificationLines(answer: VerifyResultResponse__Output): string[] {
  const { equal, agreements, differences, imageCount } = answer;
  return [
    `${equal ? 'equal' : 'not equal'}, computed again on ${imageCount} images`,
    ...agreements.map(({ name, dice, difference }) =>
      dice === undefined ? `  ${name}: differs by at most ${difference ?? NaN}` : `  ${name}: Dice ${dice.toFixed(4)}`,
    ),
    ...differences.map(({ what, was, now }) => `  ${what} changed: was ${was}, is ${now}`),
  ];
}
