import { useState } from 'preact/hooks';
import { discardStudy, getStudy, retryStudy, type Analysis, type Series } from '../../../console-kit/api/pacs';
import { Icon } from '../../../console-kit/parts/icon';
import { Busy, Page, Problem } from '../../../console-kit/parts/notice';
import { StateChip } from '../../../console-kit/parts/state-chip';
import { Time } from '../../../console-kit/parts/time';
import { usePolling } from '../../../console-kit/parts/use-polling';
import { t } from '../../../console-kit/texts/en';

const POLL_MS = 3_000;

export function StudyPage({ number }: { number: string }) {
  const { value, error, reload } = usePolling((signal) => getStudy(number, { signal }), POLL_MS, [number]);
  if (!value) return error === undefined ? <Busy>{t.loading}</Busy> : <Problem error={error} retry={reload} />;
  const { study, series = [] } = value;
  return (
    <Page
      title={t.deliveries.study(study.number)}
      actions={<Actions number={number} viewerUrl={study.viewerUrl ?? ''} onDone={reload} />}
    >
      <a class="back" href="/deliveries">
        <Icon name="back" /> {t.deliveries.all}
      </a>
      <p class="muted">
        <Time at={study.arrivalTime} /> · <span class="mono">{study.studyUid}</span>
      </p>
      {series.map((each) => (
        <SeriesCard key={each.seriesUid} series={each} />
      ))}
    </Page>
  );
}

function Actions({ number, viewerUrl, onDone }: { number: string; viewerUrl: string; onDone: () => void }) {
  const [said, setSaid] = useState('');
  const [error, setError] = useState<unknown>();
  const act = (work: typeof retryStudy): void => {
    setError(undefined);
    work(number).then(({ analysisCount = 0, deliveryCount = 0, heldCount = 0 }) => {
      const held = heldCount === 0 ? [] : [t.deliveries.held(heldCount)];
      setSaid([t.deliveries.changed(analysisCount, deliveryCount), ...held].join('; '));
      onDone();
    }, setError);
  };
  return (
    <>
      <span role="status" class="muted">
        {said}
      </span>
      {viewerUrl === '' ? null : (
        <a class="button" href={viewerUrl} target="_blank" rel="noopener noreferrer">
          {t.deliveries.viewer}
        </a>
      )}
      <button type="button" class="button primary" onClick={() => act(retryStudy)}>
        {t.deliveries.retry}
      </button>
      <button type="button" class="button danger" onClick={() => act(discardStudy)}>
        {t.deliveries.discard}
      </button>
      {error === undefined ? null : <Problem error={error} />}
    </>
  );
}

function SeriesCard({ series }: { series: Series }) {
  const { modality = '', instanceCount = 0, verdicts = [], analyses = [], open = false } = series;
  return (
    <section class="card stack">
      <div class="section-head">
        <h2>{t.deliveries.series(modality, instanceCount)}</h2>
        {open ? <span class="chip warn">{t.deliveries.open}</span> : null}
      </div>
      {analyses.map((each) => (
        <AnalysisRow key={each.number} analysis={each} />
      ))}
      <details open={analyses.length === 0}>
        <summary>{t.deliveries.why}</summary>
        <ul class="rows findings">
          {verdicts.map(({ rule, fits = false, missed = false, reasons = [] }) => (
            <li key={rule}>
              <span class={`chip ${fits ? 'good' : ''}`}>{rule}</span>
              <span class="grow">{missed ? t.deliveries.missed : fits ? t.deliveries.fits : reasons.join(' ')}</span>
            </li>
          ))}
        </ul>
      </details>
    </section>
  );
}

function AnalysisRow({ analysis }: { analysis: Analysis }) {
  const { rule, state, model = '', message = '', results = [] } = analysis;
  return (
    <div class="stack">
      <div class="row">
        <StateChip state={state} prefix="WORK_STATE_" />
        <strong>{rule}</strong>
        <span class="muted">{model}</span>
        <span class="bad">{message}</span>
      </div>
      <ul class="rows findings">
        {results.flatMap(({ kind, deliveries = [] }) =>
          deliveries.map((each) => (
            <li key={`${kind} ${each.destination}`}>
              <StateChip state={each.state} prefix="WORK_STATE_" />
              <div class="grow">
                <p>{t.deliveries.to(kind, each.destination)}</p>
                <p class="fine">{[each.message ?? '', each.reason ?? ''].filter((text) => text !== '').join(' ')}</p>
              </div>
              <Time at={each.time} />
            </li>
          )),
        )}
      </ul>
    </div>
  );
}
