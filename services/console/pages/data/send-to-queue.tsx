// The first images of an order, predicted into a review queue: accepting or amending an answer labels the image.

import { useEffect, useRef, useState } from 'preact/hooks';
import { listModels, reference } from '../../../console-kit/api/models';
import { NAME_PATTERN, SelectField, TextField } from '../../../console-kit/parts/field';
import { useLoad } from '../../../console-kit/parts/use-load';
import { t } from '../../../console-kit/texts/en';
import { fill, sampleToFill, type Filled, type ImageToFill } from '../../workspace/fill';
import { FillProgress, type FillCount } from '../../workspace/fill-progress';

const texts = t.data.next;
const FIRST = 20;

export function SendToQueue({ dataset, names }: { dataset: string; names: readonly string[] }) {
  const { value: models } = useLoad(async (signal) => (await listModels({ signal })).map(reference));
  const [asked, setAsked] = useState({ queue: '', model: '', count: String(Math.min(FIRST, names.length)) });
  const { send, stop, progress, outcome } = useSending();
  const model = asked.model || (models?.[0] ?? '');
  const submit = (event: Event): void => {
    event.preventDefault();
    const images = names.slice(0, Number(asked.count)).map((name) => sampleToFill(dataset, { name }));
    void send(images, { queue: asked.queue, model });
  };
  return (
    <form class="form" onSubmit={submit}>
      <h3>{texts.queue}</h3>
      <p class="muted">{texts.queueHint}</p>
      <div class="columns">
        <TextField
          label={t.review.fill.queue}
          hint={t.review.fill.queueHint}
          required
          pattern={NAME_PATTERN}
          value={asked.queue}
          onChange={(queue) => setAsked({ ...asked, queue })}
        />
        <SelectField
          label={t.review.fill.model}
          hint={t.review.fill.modelHint}
          value={model}
          options={(models ?? []).map((each) => [each, each] as const)}
          onChange={(chosen) => setAsked({ ...asked, model: chosen })}
        />
        <TextField
          label={texts.first}
          hint={texts.firstHint}
          required
          pattern="[1-9]\d{0,3}"
          value={asked.count}
          onChange={(count) => setAsked({ ...asked, count })}
        />
      </div>
      <FillProgress progress={progress} outcome={outcome} error={undefined} />
      <div class="row">
        <button type="submit" class="button primary" disabled={progress !== undefined || model === ''}>
          {texts.send}
        </button>
        {progress === undefined ? null : (
          <button type="button" class="button" onClick={stop}>
            {texts.stop}
          </button>
        )}
        {outcome ? <a href="/review">{texts.openQueue}</a> : null}
      </div>
    </form>
  );
}

/** One sending at a time; it ends with the page. */
function useSending() {
  const [progress, setProgress] = useState<FillCount>();
  const [outcome, setOutcome] = useState<Filled>();
  const controller = useRef<AbortController | undefined>(undefined);
  useEffect(() => () => controller.current?.abort(), []);
  const send = async (images: readonly ImageToFill[], into: { queue: string; model: string }): Promise<void> => {
    const { signal } = (controller.current = new AbortController());
    const total = images.length;
    setOutcome(undefined);
    setProgress({ done: 0, total });
    const onProgress = (done: number): void => setProgress({ done, total });
    setOutcome(await fill(images, { ...into, signal, onProgress }));
    setProgress(undefined);
  };
  return { send, stop: () => controller.current?.abort(), progress, outcome };
}
