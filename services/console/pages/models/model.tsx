import { getModel, reference } from '../../../console-kit/api/models';
import { listPromotions } from '../../../console-kit/api/promotions';
import type { Model } from '../../../console-kit/api/types';
import { Icon } from '../../../console-kit/parts/icon';
import { Busy, Page, Problem } from '../../../console-kit/parts/notice';
import { Table, type Column } from '../../../console-kit/parts/table';
import { useLoad } from '../../../console-kit/parts/use-load';
import { scoreName } from '../../../console-kit/parts/score-name';
import { t } from '../../../console-kit/texts/en';
import { PromoteForm } from './promote-form';
import { PromotionHistory } from './promotion-history';
import { scoreRows, type ScoreRow } from './scores';

export function ModelPage({ name }: { name: string }) {
  const { value: model, error, reload } = useLoad((signal) => getModel(name, { signal }), [name]);
  const short = name.replace(/@.*/, '');
  const promotions = useLoad((signal) => listPromotions(short, { signal }), [short]);
  if (!model) return error === undefined ? <Busy>{t.loading}</Busy> : <Problem error={error} retry={reload} />;
  const changed = (): void => {
    reload();
    promotions.reload();
  };
  return (
    <Page title={reference(model)} lead={factsOf(model)}>
      <a class="back" href="/models">
        <Icon name="back" /> {t.models.all}
      </a>
      <div class="row">
        {model.aliases?.map((alias) => (
          <span class="chip good" key={alias}>
            {alias}
          </span>
        ))}
      </div>
      <Table
        caption={t.models.scores}
        columns={COLUMNS}
        rows={scoreRows(model)}
        keyOf={(row) => row.name}
        empty={<p>{t.models.noScores}</p>}
      />
      <PromoteForm model={model} onDone={changed} />
      {promotions.error === undefined ? (
        <PromotionHistory promotions={promotions.value ?? []} onDone={changed} />
      ) : (
        <Problem error={promotions.error} retry={promotions.reload} />
      )}
    </Page>
  );
}

function factsOf({ structures = [], classes = [], baseName, baseVersion, weightsBytes = '0' }: Model): string {
  const size = t.units.megabytes(Number(weightsBytes));
  return `${[...structures, ...classes].join(', ')} · ${t.models.onBase(`${baseName}@${baseVersion}`)} · ${size}`;
}

const interval = ({ low, high }: ScoreRow): string =>
  low === undefined || high === undefined ? '' : `${low.toFixed(3)} – ${high.toFixed(3)}`;

const COLUMNS: readonly Column<ScoreRow>[] = [
  { title: t.models.score, cell: ({ name }) => scoreName(name) },
  { title: t.models.value, numeric: true, cell: ({ value }) => value.toFixed(4) },
  { title: t.models.interval, numeric: true, cell: interval },
];
