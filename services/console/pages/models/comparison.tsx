import { evaluationSamples, listEvaluations, type Evaluation } from '../../../console-kit/api/evaluations';
import { isAbsent } from '../../../console-kit/api/call';
import { reference } from '../../../console-kit/api/models';
import type { Model } from '../../../console-kit/api/types';
import { Busy, Problem } from '../../../console-kit/parts/notice';
import { Table, type Column } from '../../../console-kit/parts/table';
import { useLoad } from '../../../console-kit/parts/use-load';
import { scoreName } from '../../../console-kit/parts/score-name';
import { t } from '../../../console-kit/texts/en';
import { pairedDifference, type Difference } from './paired-bootstrap';
import { scoreRows } from './scores';
import { SideBySide } from './side-by-side';

interface Row {
  name: string;
  first: number;
  second: number;
}

/** Two versions beside each other: scores, the difference on the same images, and masks on one image. */
export function Comparison({ first, second }: { first: Model; second: Model }) {
  const names = [reference(first), reference(second)] as const;
  const others = new Map(scoreRows(second).map(({ name, value }) => [name, value]));
  const rows = scoreRows(first).flatMap(({ name, value }) => {
    const other = others.get(name);
    return other === undefined ? [] : [{ name, first: value, second: other }];
  });
  const columns: readonly Column<Row>[] = [
    { title: t.models.score, cell: ({ name }) => scoreName(name) },
    { title: names[0], numeric: true, cell: (row) => row.first.toFixed(4) },
    { title: names[1], numeric: true, cell: (row) => row.second.toFixed(4) },
    { title: t.models.difference, numeric: true, cell: (row) => signed(row.second - row.first) },
  ];
  return (
    <section class="card stack">
      <h2>{t.models.comparing(...names)}</h2>
      <Table
        caption={t.models.scores}
        columns={columns}
        rows={rows}
        keyOf={({ name }) => name}
        empty={<p>{t.models.noCommonScores}</p>}
      />
      <PairedScores names={names} />
      {first.task === 'TASK_SEGMENTATION' && second.task === first.task ? <SideBySide names={names} /> : null}
    </section>
  );
}

const signed = (value: number): string => `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(4)}`;

/** The difference on images that both were evaluated on. */
function PairedScores({ names }: { names: readonly [string, string] }) {
  const { value: difference, error, reload } = useLoad((signal) => measure(names, signal), [names.join()]);
  if (error !== undefined && !isAbsent(error)) return <Problem error={error} retry={reload} />;
  if (difference === undefined && error === undefined) return <Busy>{t.loading}</Busy>;
  if (!difference) return <p class="muted">{t.models.noEvaluations}</p>;
  const { mean, low, high, imageCount } = difference;
  const verdict = low > 0 ? t.models.better(names[1]) : high < 0 ? t.models.better(names[0]) : t.models.undecided;
  return <p>{t.models.paired(signed(mean), signed(low), signed(high), t.units.images(imageCount), verdict)}</p>;
}

/** @returns null: no two evaluations are on the same data */
async function measure(names: readonly [string, string], signal: AbortSignal): Promise<Difference | null> {
  const evaluations = await listEvaluations({ signal });
  const of = (name: string): Evaluation[] => evaluations.filter(({ result }) => result?.model === name);
  for (const first of of(names[0])) {
    const fingerprint = first.result?.dataFingerprint ?? '';
    // What names no data is not known to be the same.
    if (fingerprint === '') continue;
    const second = of(names[1]).find(({ result }) => result?.dataFingerprint === fingerprint);
    if (!second) continue;
    const [a, b] = await Promise.all([first, second].map(({ id }) => evaluationSamples(id, { signal })));
    return (a && b && pairedDifference(a, b)) ?? null;
  }
  return null;
}
