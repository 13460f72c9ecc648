import { useState } from 'preact/hooks';
import { listModels, reference } from '../../../console-kit/api/models';
import type { Model } from '../../../console-kit/api/types';
import { Busy, Page, Problem } from '../../../console-kit/parts/notice';
import { Table, type Column } from '../../../console-kit/parts/table';
import { Time } from '../../../console-kit/parts/time';
import { useLoad } from '../../../console-kit/parts/use-load';
import { scoreName } from '../../../console-kit/parts/score-name';
import { t } from '../../../console-kit/texts/en';
import { Comparison } from './comparison';
import { ModelPage } from './model';
import { intervalText, mainScore } from './scores';

/** Rows that are drawn at a time: a store may hold thousands of versions. */
const PAGE_SIZE = 50;
type Order = 'newest' | 'score' | 'name';

export function ModelsPage({ id }: { id: string }) {
  return id === '' ? <ModelList /> : <ModelPage name={decodeURIComponent(id)} key={id} />;
}

function ModelList() {
  const { value: models, error, reload } = useLoad((signal) => listModels({ signal }));
  const [filter, setFilter] = useState('');
  const [order, setOrder] = useState<Order>('newest');
  const [picked, setPicked] = useState<readonly string[]>([]);
  const [first, setFirst] = useState(0);
  const found =
    models &&
    sorted(
      models.filter((model) => fits(model, filter)),
      order,
    );
  const choose: Column<Model> = {
    title: t.models.columns.compare,
    cell: (model) => (
      <input
        type="checkbox"
        aria-label={t.models.pick(reference(model))}
        checked={picked.includes(reference(model))}
        onChange={(event) => setPicked(toggled(picked, reference(model), event.currentTarget.checked))}
      />
    ),
  };
  const [a, b] = picked.map((name) => models?.find((model) => reference(model) === name));
  return (
    <Page title={t.models.title} lead={t.models.lead}>
      {error === undefined ? null : <Problem error={error} retry={reload} />}
      {!found && error === undefined ? <Busy>{t.loading}</Busy> : null}
      {a && b ? <Comparison first={a} second={b} key={picked.join()} /> : null}
      {found ? (
        <>
          <ListControls
            filter={filter}
            order={order}
            count={found.length}
            onOrder={setOrder}
            onFilter={(text) => {
              setFilter(text);
              setFirst(0);
            }}
          />
          <Table
            caption={t.models.title}
            columns={[choose, ...COLUMNS]}
            rows={found.slice(first, first + PAGE_SIZE)}
            keyOf={reference}
            empty={<p>{t.try.noModels}</p>}
          />
          <Pager first={first} count={found.length} onChange={setFirst} />
        </>
      ) : null}
    </Page>
  );
}

interface ListControlsProps {
  filter: string;
  order: Order;
  count: number;
  onFilter: (text: string) => void;
  onOrder: (order: Order) => void;
}

function ListControls({ filter, order, count, onFilter, onOrder }: ListControlsProps) {
  return (
    <div class="row">
      <input
        type="text"
        class="filter"
        aria-label={t.models.filter}
        placeholder={t.models.filter}
        value={filter}
        onInput={(event) => onFilter(event.currentTarget.value)}
      />
      <select
        aria-label={t.models.order}
        value={order}
        onChange={(event) => onOrder(event.currentTarget.value as Order)}
      >
        {(['newest', 'score', 'name'] as const).map((each) => (
          <option key={each} value={each}>
            {t.models.orders[each]}
          </option>
        ))}
      </select>
      <span class="muted">{t.models.count(count)}</span>
    </div>
  );
}

function Pager({ first, count, onChange }: { first: number; count: number; onChange: (first: number) => void }) {
  if (count <= PAGE_SIZE) return null;
  return (
    <div class="row">
      <button type="button" class="button small" disabled={first === 0} onClick={() => onChange(first - PAGE_SIZE)}>
        {t.models.before}
      </button>
      <span class="muted">{`${first + 1} – ${Math.min(count, first + PAGE_SIZE)} / ${count}`}</span>
      <button
        type="button"
        class="button small"
        disabled={first + PAGE_SIZE >= count}
        onClick={() => onChange(first + PAGE_SIZE)}
      >
        {t.models.after}
      </button>
    </div>
  );
}

/** At most two: the third takes the place of the first. */
function toggled(picked: readonly string[], name: string, on: boolean): string[] {
  const others = picked.filter((each) => each !== name);
  return on ? [...others, name].slice(-2) : others;
}

const fits = (model: Model, filter: string): boolean =>
  [reference(model), model.baseName ?? '', ...(model.aliases ?? [])].some((text) => text.includes(filter.trim()));

function sorted(models: Model[], order: Order): Model[] {
  const by: Record<Order, (a: Model, b: Model) => number> = {
    newest: (a, b) => (b.createTime ?? '').localeCompare(a.createTime ?? ''),
    score: (a, b) => (mainScore(b)?.value ?? -1) - (mainScore(a)?.value ?? -1),
    name: (a, b) => a.name.localeCompare(b.name) || b.version - a.version,
  };
  return models.sort(by[order]);
}

const COLUMNS: readonly Column<Model>[] = [
  {
    title: t.models.columns.name,
    cell: (model) => (
      <>
        <a href={`/models/${reference(model)}`}>{reference(model)}</a>{' '}
        {model.aliases?.map((alias) => (
          <span class="chip good" key={alias}>
            {alias}
          </span>
        ))}
      </>
    ),
  },
  {
    title: t.models.columns.task,
    cell: ({ task }) => (task === 'TASK_SEGMENTATION' ? t.jobs.segmentation : t.jobs.classification),
  },
  {
    title: t.models.columns.score,
    numeric: true,
    cell: (model) => {
      const score = mainScore(model);
      return score ? (
        <>
          <small>{scoreName(score.name)}</small> {score.value.toFixed(3)}{' '}
          <small>{intervalText(model, score.name)}</small>
        </>
      ) : null;
    },
  },
  { title: t.models.columns.base, cell: ({ baseName, baseVersion }) => `${baseName}@${baseVersion}` },
  { title: t.models.columns.loaded, cell: ({ loaded }) => (loaded ? t.models.yes : '') },
  { title: t.models.columns.created, cell: ({ createTime }) => <Time at={createTime} /> },
];
