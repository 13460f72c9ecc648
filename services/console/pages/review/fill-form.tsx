import { useEffect, useRef, useState } from 'preact/hooks';
import { listDatasets, listSamples } from '../../../console-kit/api/datasets';
import { listModels, reference } from '../../../console-kit/api/models';
import { NAME_PATTERN, SelectField, TextField } from '../../../console-kit/parts/field';
import { Problem } from '../../../console-kit/parts/notice';
import { useLoad } from '../../../console-kit/parts/use-load';
import { t } from '../../../console-kit/texts/en';
import { fileToFill, fill, sampleToFill, type Filled } from '../../workspace/fill';
import { FillProgress, type FillCount } from '../../workspace/fill-progress';

const texts = t.review.fill;
const CHECKED: ReadonlySet<string> = new Set(['DATASET_STATE_READY', 'DATASET_STATE_REJECTED']);
const FILES = '';

/** Puts the answers of one model about many images into a queue. */
export function FillForm({ onChange }: { onChange: () => void }) {
  const {
    value,
    error: unread,
    reload,
  } = useLoad(async (signal) => {
    const [models, datasets] = await Promise.all([listModels({ signal }), listDatasets({ signal })]);
    return {
      models: models.map(reference),
      datasets: datasets.filter(({ state }) => CHECKED.has(state)).map(reference),
    };
  });
  const [asked, setAsked] = useState<Asked>({ queue: '', model: '', source: '' });
  const [files, setFiles] = useState<readonly File[]>([]);
  const { run, stop, progress, outcome, error } = useFilling(onChange);
  const change = (part: Partial<Asked>): void => setAsked({ ...asked, ...part });
  if (unread !== undefined) return <Problem error={unread} retry={reload} />;
  const model = asked.model || (value?.models[0] ?? '');
  const submit = (event: Event): void => {
    event.preventDefault();
    void run({ ...asked, model }, files);
  };
  return (
    <form class="card form" onSubmit={submit}>
      <Fields asked={{ ...asked, model }} offered={value} onChange={change} onFiles={setFiles} />
      <FillProgress progress={progress} outcome={outcome} error={error} />
      <div class="row">
        <button type="submit" class="button primary" disabled={progress !== undefined || model === ''}>
          {texts.submit}
        </button>
        {progress === undefined ? null : (
          <button type="button" class="button" onClick={stop}>
            {texts.cancel}
          </button>
        )}
      </div>
    </form>
  );
}

interface Asked {
  queue: string;
  model: string;
  source: string;
}

function Fields(props: {
  asked: Asked;
  offered: { models: string[]; datasets: string[] } | undefined;
  onChange: (part: Partial<Asked>) => void;
  onFiles: (files: File[]) => void;
}) {
  const { asked, offered, onChange, onFiles } = props;
  return (
    <div class="columns">
      <TextField
        label={texts.queue}
        hint={texts.queueHint}
        required
        pattern={NAME_PATTERN}
        value={asked.queue}
        onChange={(queue) => onChange({ queue })}
      />
      <SelectField
        label={texts.model}
        hint={texts.modelHint}
        required
        value={asked.model}
        options={(offered?.models ?? []).map((each) => [each, each] as const)}
        onChange={(model) => onChange({ model })}
      />
      <SelectField
        label={texts.source}
        hint={texts.sourceHint}
        value={asked.source}
        options={[[FILES, texts.files], ...(offered?.datasets ?? []).map((each) => [each, each] as const)]}
        onChange={(source) => onChange({ source })}
      />
      {asked.source === FILES ? (
        <label class="field">
          <span>{texts.choose}</span>
          <input type="file" multiple onChange={(event) => onFiles([...(event.currentTarget.files ?? [])])} />
        </label>
      ) : null}
    </div>
  );
}

/** One filling at a time; it ends with the page. */
function useFilling(onChange: () => void) {
  const [progress, setProgress] = useState<FillCount>();
  const [outcome, setOutcome] = useState<Filled>();
  const [error, setError] = useState<unknown>();
  const controller = useRef<AbortController | undefined>(undefined);
  useEffect(() => () => controller.current?.abort(), []);
  const run = async (asked: Asked, files: readonly File[]): Promise<void> => {
    const { signal } = (controller.current = new AbortController());
    setOutcome(undefined);
    setError(undefined);
    setProgress({ done: 0, total: 0 });
    try {
      const { source } = asked;
      const images =
        source === FILES
          ? files.map(fileToFill)
          : (await listSamples(source, { signal })).map((sample) => sampleToFill(source, sample));
      if (images.length === 0) throw new Error(texts.nothing);
      const total = images.length;
      setOutcome(await fill(images, { ...asked, signal, onProgress: (done) => setProgress({ done, total }) }));
    } catch (failed) {
      if (!signal.aborted) setError(failed);
    }
    setProgress(undefined);
    onChange();
  };
  return { run, stop: () => controller.current?.abort(), progress, outcome, error };
}
