import { useState } from 'preact/hooks';
import { actOn, getJob, hasEnded, type JobAction } from '../../../console-kit/api/jobs';
import type { TrainingJob } from '../../../console-kit/api/job-types';
import { Icon } from '../../../console-kit/parts/icon';
import { Busy, Page, Problem } from '../../../console-kit/parts/notice';
import { StateChip } from '../../../console-kit/parts/state-chip';
import { duration } from '../../../console-kit/parts/time';
import { useLoad } from '../../../console-kit/parts/use-load';
import { scoreName } from '../../../console-kit/parts/score-name';
import { t } from '../../../console-kit/texts/en';
import { Curves } from './curves';
import { JobLog } from './log';
import type { JobHistory } from './history';
import { Previews } from './previews';
import { useHistory } from './use-history';

export function JobPage({ id }: { id: string }) {
  const { value: job, error, reload } = useLoad((signal) => getJob(id, { signal }), [id]);
  const [turn, setTurn] = useState(0);
  const { history, error: streamError } = useHistory(id, turn, reload);
  const acted = (): void => {
    reload();
    setTurn((before) => before + 1);
  };
  if (!job) return error === undefined ? <Busy>{t.loading}</Busy> : <Problem error={error} retry={reload} />;
  return (
    <Page title={job.name} lead={job.stateMessage ?? ''} actions={<Actions job={job} onDone={acted} />}>
      <a class="back" href="/jobs">
        <Icon name="back" /> {t.jobs.all}
      </a>
      {streamError === undefined ? null : <Problem error={streamError} />}
      {job.error ? <Problem error={job.error.message} /> : null}
      <Progress job={job} {...history} />
      <Alarms alarms={history.alarms} />
      <Result job={job} />
      <Curves epochs={history.epochs} />
      <Previews previews={history.previews} />
      <JobLog lines={history.lines} />
    </Page>
  );
}

/** What is wrong with the training, each with the number that says so. */
function Alarms({ alarms }: Pick<JobHistory, 'alarms'>) {
  return (
    <>
      {alarms.map(({ kind, value = 0, advice }) => (
        <div class="notice problem" role="alert" key={kind}>
          <p>
            <strong>
              {t.jobs.alarms[kind as keyof typeof t.jobs.alarms] ?? kind} ({value.toFixed(2)})
            </strong>{' '}
            {advice}
          </p>
        </div>
      ))}
    </>
  );
}

const ALLOWED: Readonly<Record<string, readonly JobAction[]>> = {
  TRAINING_JOB_STATE_PENDING: ['Pause', 'Cancel'],
  TRAINING_JOB_STATE_RUNNING: ['Pause', 'Cancel'],
  TRAINING_JOB_STATE_RESUMING: ['Pause', 'Cancel'],
  TRAINING_JOB_STATE_PAUSED: ['Resume', 'Cancel'],
  TRAINING_JOB_STATE_FAILED: ['Resume'],
};

function Actions({ job, onDone }: { job: TrainingJob; onDone: () => void }) {
  const [error, setError] = useState<unknown>();
  const run = (action: JobAction): void => {
    setError(undefined);
    actOn(job.id, action).then(onDone, setError);
  };
  return (
    <>
      <StateChip state={job.state} prefix="TRAINING_JOB_STATE_" />
      {(ALLOWED[job.state] ?? []).map((action) => (
        <button
          key={action}
          type="button"
          class={action === 'Cancel' ? 'button danger' : 'button'}
          onClick={() => run(action)}
        >
          {t.jobs.actions[action]}
        </button>
      ))}
      {error === undefined ? null : <Problem error={error} />}
    </>
  );
}

type Events = ReturnType<typeof useHistory>['history'];

type ProgressProps = { job: TrainingJob } & Pick<Events, 'preparation' | 'step' | 'start'>;

function Progress({ job, preparation, step, start }: ProgressProps) {
  if (hasEnded(job.state)) return null;
  // Events come sooner than what is asked for.
  const epochCount = job.progress?.epochCount ?? start?.epochCount ?? 0;
  if (!step) {
    const { doneCount = 0, totalCount = 0 } = preparation ?? {};
    if (totalCount === 0) return null;
    return (
      <div class="job-progress">
        <progress max={totalCount} value={doneCount} aria-label={t.jobs.reading} />
        <span>{`${t.jobs.reading} ${doneCount} / ${totalCount}`}</span>
      </div>
    );
  }
  const { progress = 0, etaSeconds, imagesPerSecond, epoch } = step;
  const rate = imagesPerSecond === undefined ? '' : t.jobs.rate(imagesPerSecond.toFixed(1));
  return (
    <div class="job-progress">
      <progress max="1" value={progress} aria-label={t.jobs.columns.progress} />
      <span>
        {[t.jobs.epochs(epoch, epochCount), rate, etaSeconds === undefined ? '' : t.jobs.left(duration(etaSeconds))]
          .filter((each) => each !== '')
          .join(' · ')}
      </span>
    </div>
  );
}

function Result({ job }: { job: TrainingJob }) {
  const { model = '', base = '', metrics = {} } = job.result ?? {};
  if (!job.result) return null;
  const shown = Object.entries(metrics).filter(([name]) =>
    /^(test|validation)\.(mdsc|miou|accuracy|macro_f1|auroc)$/.test(name),
  );
  return (
    <section class="card result">
      <h2>{t.jobs.registered([model, base].filter((each) => each !== '').join(', '))}</h2>
      <dl class="facts">
        {shown.map(([name, value]) => (
          <div key={name}>
            <dt>{scoreName(name)}</dt>
            <dd class="number">{value.toFixed(4)}</dd>
          </div>
        ))}
      </dl>
      {model === '' ? null : (
        <a class="button small" href="/try">
          {t.jobs.tryIt}
        </a>
      )}
    </section>
  );
}
