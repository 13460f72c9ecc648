import { useState } from 'preact/hooks';
import {
  checkDataset,
  getDataset,
  type Dataset,
  type DatasetFinding,
  type DatasetPart,
} from '../../../console-kit/api/datasets';
import { reference } from '../../../console-kit/api/models';
import { Icon } from '../../../console-kit/parts/icon';
import { Busy, Page, Problem } from '../../../console-kit/parts/notice';
import { StateChip } from '../../../console-kit/parts/state-chip';
import { useLoad } from '../../../console-kit/parts/use-load';
import { useRepeat } from '../../../console-kit/parts/use-polling';
import { NextLabelsSection } from './next-labels';
import { SamplePicture } from './sample-picture';
import { t } from '../../../console-kit/texts/en';

const POLL_MS = 1_000;

export function DatasetPage({ name }: { name: string }) {
  const loaded = useLoad((signal) => getDataset(decodeURIComponent(name), { signal }), [name]);
  const { value: dataset, error, reload } = loaded;
  const [refused, setRefused] = useState<unknown>();
  const checking = dataset?.state === 'DATASET_STATE_CHECKING';
  useRepeat(loaded, checking ? POLL_MS : undefined);
  if (!dataset) return error === undefined ? <Busy>{t.loading}</Busy> : <Problem error={error} retry={reload} />;
  const actions = (
    <>
      <StateChip state={dataset.state} prefix="DATASET_STATE_" />
      <button
        type="button"
        class="button"
        disabled={checking}
        onClick={() => void checkDataset(reference(dataset)).then(reload, setRefused)}
      >
        {t.data.check}
      </button>
    </>
  );
  return (
    <Page title={reference(dataset)} lead={dataset.stateMessage ?? ''} actions={actions}>
      <a class="back" href="/data">
        <Icon name="back" /> {t.data.all}
      </a>
      {refused === undefined ? null : <Problem error={refused} />}
      {checking ? <Checking dataset={dataset} /> : null}
      <Parts dataset={dataset} />
      <Findings dataset={dataset} />
      {dataset.checkTime === undefined ? null : <NextLabelsSection dataset={reference(dataset)} />}
    </Page>
  );
}

function Checking({ dataset: { checkedCount = 0, totalCount = 0 } }: { dataset: Dataset }) {
  return (
    <div class="job-progress">
      <progress {...(totalCount === 0 ? {} : { max: totalCount, value: checkedCount })} aria-label={t.data.checking} />
      <span>{totalCount === 0 ? t.data.checking : `${t.data.checking} ${checkedCount} / ${totalCount}`}</span>
    </div>
  );
}

function Parts({ dataset }: { dataset: Dataset }) {
  const { train, validation, test } = dataset.statistics ?? {};
  const parts: [string, DatasetPart | undefined][] = [
    [t.data.parts.train, train],
    [t.data.parts.validation, validation],
    [t.data.parts.test, test],
  ];
  const shown = parts.filter(([, part]) => (part?.imageCount ?? 0) > 0);
  if (shown.length === 0) return null;
  return (
    <div class="columns">
      {shown.map(([name, part]) => (
        <section class="card" key={name}>
          <h2>{name}</h2>
          <p class="big-number">{t.units.images(part?.imageCount ?? 0)}</p>
          {part?.sidePx ? <p class="muted">{t.data.sides(part.sidePx.min ?? 0, part.sidePx.max ?? 0)}</p> : null}
          {part?.foregroundShare?.median === undefined ? null : (
            <p class="muted">{t.data.foreground(t.units.percent(part.foregroundShare.median))}</p>
          )}
          <Classes counts={part?.classCounts ?? {}} />
        </section>
      ))}
    </div>
  );
}

function Classes({ counts }: { counts: Record<string, number> }) {
  const most = Math.max(1, ...Object.values(counts));
  return (
    <>
      {Object.entries(counts).map(([name, count]) => (
        <div class="class-row" key={name}>
          <span class="class-name">{name}</span>
          <meter min="0" max={most} value={count} aria-label={name} />
          <span class="number">{count}</span>
        </div>
      ))}
    </>
  );
}

function Findings({ dataset }: { dataset: Dataset }) {
  if (dataset.checkTime === undefined) return null;
  const findings = dataset.findings ?? [];
  return (
    <section class="card">
      <h2>{t.data.findings}</h2>
      {findings.length === 0 ? <p class="good">{t.data.sound}</p> : null}
      <ul class="rows findings">
        {findings.map((finding, index) => (
          <FindingRow key={index} finding={finding} dataset={reference(dataset)} />
        ))}
      </ul>
    </section>
  );
}

/** Pictures of a finding that are shown; the others are named. */
const SHOWN = 12;

function FindingRow({ finding, dataset }: { finding: DatasetFinding; dataset: string }) {
  const { kind, error = false, message, names = [] } = finding;
  const [open, setOpen] = useState(false);
  return (
    <li>
      <span class={`chip ${error ? 'bad' : 'warn'}`}>{kind}</span>
      <div class="grow">
        <p>{message}</p>
        {names.length > 0 ? (
          <details onToggle={(event) => setOpen(event.currentTarget.open)}>
            <summary>{t.data.files(names.length)}</summary>
            {open ? (
              <div class="sample-pictures">
                {names.slice(0, SHOWN).map((name) => (
                  <SamplePicture key={name} dataset={dataset} name={name} />
                ))}
              </div>
            ) : null}
            {names.length > SHOWN ? <p class="mono">{names.slice(SHOWN).join(', ')}</p> : null}
          </details>
        ) : null}
      </div>
    </li>
  );
}
