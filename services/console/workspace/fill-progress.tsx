import { Problem } from '../../console-kit/parts/notice';
import { t } from '../../console-kit/texts/en';
import type { Filled } from './fill';

const texts = t.review.fill;

export interface FillCount {
  done: number;
  total: number;
}

/** How far a queue is filled, and what became of it. */
export function FillProgress(props: { progress: FillCount | undefined; outcome: Filled | undefined; error: unknown }) {
  const { progress, outcome, error } = props;
  return (
    <div aria-live="polite">
      {progress ? (
        <div class="job-progress">
          <progress
            {...(progress.total === 0 ? {} : { max: progress.total, value: progress.done })}
            aria-label={texts.progress(progress.done, progress.total)}
          />
          <span>{texts.progress(progress.done, progress.total)}</span>
        </div>
      ) : null}
      {outcome ? <p class="good">{texts.done(outcome.added)}</p> : null}
      {outcome?.failures[0] === undefined ? null : (
        <Problem error={texts.failed(outcome.failures.length, outcome.failures[0])} />
      )}
      {error === undefined ? null : <Problem error={error} />}
    </div>
  );
}
