// Which images to label next, with their pictures; from here into a review queue.

import { useEffect, useRef, useState } from 'preact/hooks';
import { orderNextLabels, type NextLabels } from '../../../console-kit/api/datasets';
import { listBases, reference } from '../../../console-kit/api/models';
import { SelectField } from '../../../console-kit/parts/field';
import { Problem } from '../../../console-kit/parts/notice';
import { useLoad } from '../../../console-kit/parts/use-load';
import { t } from '../../../console-kit/texts/en';
import { SamplePicture } from './sample-picture';
import { SendToQueue } from './send-to-queue';

const texts = t.data.next;
/** Pictures that are shown; the file has all. */
const SHOWN = 24;

interface Count {
  done: number;
  total: number;
}

export function NextLabelsSection({ dataset }: { dataset: string }) {
  const { value: bases } = useLoad((signal) => listBases({ signal }));
  const [chosen, choose] = useState('');
  const { run, stop, progress, order, error } = useOrder(dataset);
  const names = (bases ?? []).map(reference);
  const base = chosen || (names[0] ?? '');
  return (
    <section class="card stack">
      <h2>{texts.title}</h2>
      <p class="muted">{texts.lead}</p>
      <div class="row">
        <SelectField
          label={texts.base}
          hint={texts.baseHint}
          value={base}
          options={names.map((name) => [name, name] as const)}
          onChange={choose}
        />
        {progress === undefined ? (
          <button type="button" class="button primary" disabled={base === ''} onClick={() => void run(base)}>
            {texts.submit}
          </button>
        ) : (
          <button type="button" class="button" onClick={stop}>
            {texts.stop}
          </button>
        )}
      </div>
      {progress ? <Progress {...progress} /> : null}
      {error === undefined ? null : <Problem error={error} retry={() => void run(base)} />}
      {order ? <Order dataset={dataset} order={order} /> : null}
    </section>
  );
}

/** One order at a time; it ends with the page. */
function useOrder(dataset: string) {
  const [progress, setProgress] = useState<Count>();
  const [order, setOrder] = useState<NextLabels>();
  const [error, setError] = useState<unknown>();
  const controller = useRef<AbortController | undefined>(undefined);
  useEffect(() => () => controller.current?.abort(), []);
  const run = async (base: string): Promise<void> => {
    const { signal } = (controller.current = new AbortController());
    setOrder(undefined);
    setError(undefined);
    setProgress({ done: 0, total: 0 });
    try {
      setOrder(await orderNextLabels(dataset, base, signal, (done, total) => setProgress({ done, total })));
    } catch (failed) {
      if (!signal.aborted) setError(failed);
    }
    setProgress(undefined);
  };
  return { run, stop: () => controller.current?.abort(), progress, order, error };
}

function Progress({ done, total }: Count) {
  return (
    <div class="job-progress">
      <progress {...(total === 0 ? {} : { max: total, value: done })} aria-label={texts.progress(done, total)} />
      <span>{texts.progress(done, total)}</span>
    </div>
  );
}

function Order({ dataset, order }: { dataset: string; order: NextLabels }) {
  const { images = [], unlabelledCount = 0, labelledCount, benefit, reason = '' } = order;
  const helps = benefit?.helps === true;
  return (
    <div class="stack">
      <p role="status">
        {benefit ? <span class={`chip ${helps ? 'good' : 'warn'}`}>{helps ? texts.helps : texts.useless}</span> : null}{' '}
        {benefit?.statement ?? reason}
      </p>
      <p class="muted">{texts.counts(images.length, unlabelledCount, labelledCount)}</p>
      <ol class="sample-pictures" aria-label={texts.list}>
        {images.slice(0, SHOWN).map(({ name }) => (
          <li key={name}>
            <SamplePicture dataset={dataset} name={name} />
          </li>
        ))}
      </ol>
      <div class="row">
        <a class="button" download="next-labels.csv" href={csvOf(images)}>
          {texts.export}
        </a>
      </div>
      <SendToQueue dataset={dataset} names={images.map(({ name }) => name)} />
    </div>
  );
}

/** A field of CSV (RFC 4180). */
const quoted = (text: string): string => `"${text.replaceAll('"', '""')}"`;

function csvOf(images: NonNullable<NextLabels['images']>): string {
  const lines = images.map(({ name, uncertainty = 0 }, at) => `${at + 1},${quoted(name)},${uncertainty}`);
  return `data:text/csv;charset=utf-8,${encodeURIComponent(['place,image,uncertainty', ...lines].join('\n'))}`;
}
