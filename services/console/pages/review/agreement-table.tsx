import { getAgreement, type VersionAgreement } from '../../../console-kit/api/reviews';
import { Problem } from '../../../console-kit/parts/notice';
import { Table, type Column } from '../../../console-kit/parts/table';
import { useLoad } from '../../../console-kit/parts/use-load';
import { t } from '../../../console-kit/texts/en';

const texts = t.review.agreement;

/** How much people agree with each version, and whether that has fallen. */
export function AgreementTable() {
  const { value: versions, error, reload } = useLoad((signal) => getAgreement({ signal }));
  return (
    <>
      <h2>{texts.title}</h2>
      {error === undefined ? null : <Problem error={error} retry={reload} />}
      {versions?.map(({ model, drift }) =>
        drift?.alarm === true ? (
          <div class="notice problem" role="alert" key={model}>
            <p>
              <strong>{model}</strong> {drift.advice}
            </p>
          </div>
        ) : null,
      )}
      {versions ? (
        <Table
          caption={texts.title}
          columns={COLUMNS}
          rows={versions}
          keyOf={({ model }) => model}
          empty={<p>{texts.none}</p>}
        />
      ) : null}
    </>
  );
}

const COLUMNS: readonly Column<VersionAgreement>[] = [
  { title: texts.columns.model, cell: ({ model }) => <a href={`/models/${model}`}>{model}</a> },
  { title: texts.columns.agreement, numeric: true, cell: ({ agreement = 0 }) => t.units.percent(agreement) },
  { title: texts.columns.count, numeric: true, cell: ({ count }) => count },
  { title: texts.weeks, cell: ({ weeks = [] }) => <Weeks weeks={weeks} /> },
  { title: texts.columns.drift, cell: driftText },
];

const SHOWN_WEEKS = 12;

/** The newest weeks as small bars; what each says is its label. */
function Weeks({ weeks }: { weeks: NonNullable<VersionAgreement['weeks']> }) {
  return (
    <ul class="weeks">
      {weeks.slice(-SHOWN_WEEKS).map(({ week, agreement = 0, count }) => {
        const label = texts.week(week, t.units.percent(agreement), count);
        return (
          <li key={week} title={label}>
            <meter min="0" max="1" value={agreement} aria-label={label} />
          </li>
        );
      })}
    </ul>
  );
}

function driftText({ drift, count }: VersionAgreement) {
  if (!drift) return texts.early(count);
  if (drift.alarm === true) return <span class="chip bad">{texts.alarm}</span>;
  return texts.steady((drift.change ?? 0).toFixed(2));
}
