import { useState } from 'preact/hooks';
import { rollBack, type GateResult, type Promotion } from '../../../console-kit/api/promotions';
import { Problem } from '../../../console-kit/parts/notice';
import { StateChip } from '../../../console-kit/parts/state-chip';
import { Table, type Column } from '../../../console-kit/parts/table';
import { Time } from '../../../console-kit/parts/time';
import { t } from '../../../console-kit/texts/en';

/** Who moved which alias when, what the gates measured, and the way back. */
export function PromotionHistory({ promotions, onDone }: { promotions: readonly Promotion[]; onDone: () => void }) {
  const [error, setError] = useState<unknown>();
  const aliases = [
    ...new Set(promotions.filter(({ state }) => state === 'PROMOTION_STATE_DONE').map(({ alias }) => alias)),
  ];
  const model = promotions[0]?.model ?? '';
  return (
    <section class="stack">
      <div class="section-head">
        <h2>{t.models.history.title}</h2>
        <div class="row">
          {aliases.map((alias) => (
            <button
              key={alias}
              type="button"
              class="button small"
              onClick={() => {
                setError(undefined);
                rollBack(model, alias, t.models.history.reason, '').then(onDone, setError);
              }}
            >
              {t.models.history.rollBack(alias)}
            </button>
          ))}
        </div>
      </div>
      {error === undefined ? null : <Problem error={error} />}
      <Table
        caption={t.models.history.title}
        columns={COLUMNS}
        rows={promotions}
        keyOf={({ id }) => id}
        empty={<p>{t.models.history.none}</p>}
      />
    </section>
  );
}

const COLUMNS: readonly Column<Promotion>[] = [
  { title: t.models.history.when, cell: ({ createTime }) => <Time at={createTime} /> },
  {
    title: t.models.history.what,
    cell: ({ kind, alias, fromVersion, toVersion }) => {
      const arrow = `${fromVersion === undefined ? '' : `@${fromVersion} `}→ @${toVersion}`;
      const rollback = kind === 'PROMOTION_KIND_ROLLBACK' ? ` (${t.models.history.rollback})` : '';
      return `${alias} ${arrow}${rollback}`;
    },
  },
  { title: t.models.history.state, cell: ({ state }) => <StateChip state={state} prefix="PROMOTION_STATE_" /> },
  { title: t.models.history.gates, cell: ({ gates = [] }) => gates.map(describeGate).join('; ') },
  { title: t.models.history.who, cell: ({ requestedBy }) => requestedBy ?? '' },
  {
    title: t.models.history.why,
    cell: ({ reason, forced }) => [forced ? t.models.history.forced : '', reason ?? ''].join(' '),
  },
];

function describeGate({ metric, minimum = 0, maximum, measured, problem }: GateResult): string {
  const bound = maximum === undefined ? `≥ ${minimum}` : `≤ ${maximum}`;
  const value = measured === undefined ? '–' : measured.toFixed(3);
  return [`${metric} ${value} ${bound}`, problem ?? ''].filter((each) => each !== '').join(': ');
}
