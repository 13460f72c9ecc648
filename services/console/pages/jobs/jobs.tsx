import { useState } from 'preact/hooks';
import { isAbsent } from '../../../console-kit/api/call';
import { hasEnded, listJobs } from '../../../console-kit/api/jobs';
import type { TrainingJob } from '../../../console-kit/api/job-types';
import { Busy, Page, Problem } from '../../../console-kit/parts/notice';
import { StateChip } from '../../../console-kit/parts/state-chip';
import { Table, type Column } from '../../../console-kit/parts/table';
import { Time } from '../../../console-kit/parts/time';
import { useLoad } from '../../../console-kit/parts/use-load';
import { useRepeat } from '../../../console-kit/parts/use-polling';
import { t } from '../../../console-kit/texts/en';
import { JobForm } from './form';
import { JobPage } from './job';
import { bestScore } from './scores';

const POLL_MS = 3_000;

export function JobsPage({ id }: { id: string }) {
  return id === '' ? <JobList /> : <JobPage id={id} key={id} />;
}

function JobList() {
  const [making, setMaking] = useState(false);
  const loaded = useLoad((signal) => listJobs({ signal }));
  const { value: jobs, error, reload } = loaded;
  const moving = jobs?.some(({ state }) => !hasEnded(state)) ?? false;
  useRepeat(loaded, moving ? POLL_MS : undefined);
  const button = (
    <button type="button" class="button primary" onClick={() => setMaking(!making)}>
      {making ? t.jobs.close : t.jobs.create}
    </button>
  );
  return (
    <Page title={t.jobs.title} lead={t.jobs.lead} actions={isAbsent(error) ? undefined : button}>
      {making ? <JobForm /> : null}
      {error === undefined ? null : <Problem error={error} retry={reload} />}
      {jobs ? (
        <Table
          caption={t.jobs.title}
          columns={COLUMNS}
          rows={jobs}
          keyOf={({ id }) => id}
          empty={<p>{t.jobs.none}</p>}
        />
      ) : null}
      {!jobs && error === undefined ? <Busy>{t.loading}</Busy> : null}
    </Page>
  );
}

const COLUMNS: readonly Column<TrainingJob>[] = [
  { title: t.jobs.columns.name, cell: ({ id, name }) => <a href={`/jobs/${id}`}>{name}</a> },
  {
    title: t.jobs.columns.task,
    cell: ({ spec }) => (spec.task === 'TASK_SEGMENTATION' ? t.jobs.segmentation : t.jobs.classification),
  },
  { title: t.jobs.columns.state, cell: ({ state }) => <StateChip state={state} prefix="TRAINING_JOB_STATE_" /> },
  { title: t.jobs.columns.progress, cell: (job) => <JobProgress job={job} /> },
  { title: t.jobs.columns.score, numeric: true, cell: bestScore },
  { title: t.jobs.columns.created, cell: ({ createTime }) => <Time at={createTime} /> },
];

function JobProgress({ job }: { job: TrainingJob }) {
  const { epoch = 0, epochCount = 0, progress = 0 } = job.progress ?? {};
  if (hasEnded(job.state)) return <>{epochCount === 0 ? '' : t.jobs.epochs(epoch, epochCount)}</>;
  return <progress max="1" value={progress} aria-label={t.jobs.columns.progress} />;
}
