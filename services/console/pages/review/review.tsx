import { isAbsent } from '../../../console-kit/api/call';
import { listQueues, type ReviewQueue } from '../../../console-kit/api/reviews';
import { useState } from 'preact/hooks';
import { Busy, Page, Problem } from '../../../console-kit/parts/notice';
import { Table, type Column } from '../../../console-kit/parts/table';
import { useLoad } from '../../../console-kit/parts/use-load';
import { t } from '../../../console-kit/texts/en';
import { AgreementTable } from './agreement-table';
import { Bench } from './bench';
import { FillForm } from './fill-form';

export function ReviewPage({ id }: { id: string }) {
  return id === '' ? <QueueList /> : <Bench queue={decodeURIComponent(id)} key={id} />;
}

function QueueList() {
  const [filling, setFilling] = useState(false);
  const { value: queues, error, reload } = useLoad((signal) => listQueues({ signal }));
  const absent = isAbsent(error);
  const button = (
    <button type="button" class="button primary" onClick={() => setFilling(!filling)}>
      {filling ? t.jobs.close : t.review.fill.open}
    </button>
  );
  return (
    <Page title={t.review.title} lead={t.review.lead} actions={absent ? null : button}>
      {absent ? <div class="card empty-table">{t.review.absent}</div> : null}
      {error === undefined || absent ? null : <Problem error={error} retry={reload} />}
      {filling ? <FillForm onChange={reload} /> : null}
      {queues ? (
        <>
          <Table
            caption={t.review.queues}
            columns={COLUMNS}
            rows={queues}
            keyOf={({ name }) => name}
            empty={<p>{t.review.none}</p>}
          />
          <AgreementTable />
        </>
      ) : null}
      {!queues && error === undefined ? <Busy>{t.loading}</Busy> : null}
    </Page>
  );
}

const COLUMNS: readonly Column<ReviewQueue>[] = [
  { title: t.review.columns.queue, cell: ({ name }) => <a href={`/review/${name}`}>{name}</a> },
  { title: t.review.columns.pending, numeric: true, cell: ({ pendingCount }) => pendingCount ?? 0 },
  { title: t.review.columns.accepted, numeric: true, cell: ({ acceptedCount }) => acceptedCount ?? 0 },
  { title: t.review.columns.rejected, numeric: true, cell: ({ rejectedCount }) => rejectedCount ?? 0 },
  { title: t.review.columns.amended, numeric: true, cell: ({ amendedCount }) => amendedCount ?? 0 },
  { title: t.review.columns.models, cell: ({ models }) => (models ?? []).join(', ') },
];
