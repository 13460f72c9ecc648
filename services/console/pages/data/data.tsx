import { useState } from 'preact/hooks';
import { listDatasets, type Dataset } from '../../../console-kit/api/datasets';
import { reference } from '../../../console-kit/api/models';
import { Busy, Page, Problem } from '../../../console-kit/parts/notice';
import { StateChip } from '../../../console-kit/parts/state-chip';
import { Table, type Column } from '../../../console-kit/parts/table';
import { Time } from '../../../console-kit/parts/time';
import { useLoad } from '../../../console-kit/parts/use-load';
import { useRepeat } from '../../../console-kit/parts/use-polling';
import { t } from '../../../console-kit/texts/en';
import { DatasetPage } from './dataset';
import { RegisterForm } from './register-form';

const POLL_MS = 3_000;

export function DataPage({ id }: { id: string }) {
  return id === '' ? <DatasetList /> : <DatasetPage name={id} key={id} />;
}

function DatasetList() {
  const [making, setMaking] = useState(false);
  const loaded = useLoad((signal) => listDatasets({ signal }));
  const { value: datasets, error, reload } = loaded;
  const moving = datasets?.some(({ state }) => state === 'DATASET_STATE_CHECKING') ?? false;
  useRepeat(loaded, moving ? POLL_MS : undefined);
  const button = (
    <button type="button" class="button primary" onClick={() => setMaking(!making)}>
      {making ? t.jobs.close : t.data.register}
    </button>
  );
  return (
    <Page title={t.data.title} lead={t.data.lead} actions={button}>
      {making ? <RegisterForm /> : null}
      {error === undefined ? null : <Problem error={error} retry={reload} />}
      {datasets ? (
        <Table
          caption={t.data.title}
          columns={COLUMNS}
          rows={datasets}
          keyOf={reference}
          empty={<p>{t.data.none}</p>}
        />
      ) : null}
      {!datasets && error === undefined ? <Busy>{t.loading}</Busy> : null}
    </Page>
  );
}

const imageCount = ({ statistics }: Dataset): string => {
  const { train, validation, test } = statistics ?? {};
  if (!train) return '';
  return String([train, validation, test].reduce((sum, part) => sum + (part?.imageCount ?? 0), 0));
};

const COLUMNS: readonly Column<Dataset>[] = [
  { title: t.data.columns.name, cell: (each) => <a href={`/data/${reference(each)}`}>{reference(each)}</a> },
  {
    title: t.data.columns.task,
    cell: ({ spec }) => (spec.task === 'TASK_SEGMENTATION' ? t.jobs.segmentation : t.jobs.classification),
  },
  { title: t.data.columns.state, cell: ({ state }) => <StateChip state={state} prefix="DATASET_STATE_" /> },
  { title: t.data.columns.images, numeric: true, cell: imageCount },
  { title: t.data.columns.layout, cell: ({ layout }) => layout ?? '' },
  { title: t.data.columns.created, cell: ({ createTime }) => <Time at={createTime} /> },
];
