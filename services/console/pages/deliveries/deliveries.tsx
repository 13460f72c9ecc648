import { isAbsent } from '../../../console-kit/api/call';
import { listStudies, type Study } from '../../../console-kit/api/pacs';
import { Busy, Page, Problem } from '../../../console-kit/parts/notice';
import { Table, type Column } from '../../../console-kit/parts/table';
import { Time } from '../../../console-kit/parts/time';
import { usePolling } from '../../../console-kit/parts/use-polling';
import { workCounts } from '../../../console-kit/parts/work-counts';
import { t } from '../../../console-kit/texts/en';
import { StudyPage } from './study';

const POLL_MS = 5_000;

export function DeliveriesPage({ id }: { id: string }) {
  return id === '' ? <StudyList /> : <StudyPage number={id} key={id} />;
}

function StudyList() {
  const { value: studies, error, reload } = usePolling((signal) => listStudies({ signal }), POLL_MS);
  const absent = isAbsent(error);
  return (
    <Page title={t.deliveries.title} lead={t.deliveries.lead}>
      {absent ? <div class="card empty-table">{t.deliveries.absent}</div> : null}
      {error === undefined || absent ? null : <Problem error={error} retry={reload} />}
      {studies ? (
        <Table
          caption={t.deliveries.title}
          columns={COLUMNS}
          rows={studies}
          keyOf={({ number }) => number}
          empty={<p>{t.deliveries.none}</p>}
        />
      ) : null}
      {!studies && error === undefined ? <Busy>{t.loading}</Busy> : null}
    </Page>
  );
}

const COLUMNS: readonly Column<Study>[] = [
  {
    title: t.deliveries.columns.study,
    cell: ({ number }) => <a href={`/deliveries/${number}`}>{t.deliveries.study(number)}</a>,
  },
  { title: t.deliveries.columns.arrival, cell: ({ arrivalTime }) => <Time at={arrivalTime} /> },
  { title: t.deliveries.columns.series, numeric: true, cell: ({ seriesCount }) => seriesCount ?? 0 },
  { title: t.deliveries.columns.objects, numeric: true, cell: ({ instanceCount }) => instanceCount ?? 0 },
  { title: t.deliveries.columns.analyses, cell: ({ analyses }) => workCounts(analyses) },
  { title: t.deliveries.columns.deliveries, cell: ({ deliveries }) => workCounts(deliveries) },
];
