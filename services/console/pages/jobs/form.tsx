import { useState } from 'preact/hooks';
import { createJob } from '../../../console-kit/api/jobs';
import { listDatasets } from '../../../console-kit/api/datasets';
import { listBases, newestVersions, reference } from '../../../console-kit/api/models';
import type { RecipeOverrides, TrainingSpec } from '../../../console-kit/api/job-types';
import { NAME_PATTERN, SelectField, TextField } from '../../../console-kit/parts/field';
import { Problem } from '../../../console-kit/parts/notice';
import { go } from '../../../console-kit/parts/router';
import { useLoad } from '../../../console-kit/parts/use-load';
import { t } from '../../../console-kit/texts/en';
import { randomId } from '../../../console-kit/api/random-id';
import { KnobField } from './knob-field';
import { KNOBS, type Family } from './knobs';

const FAMILIES: readonly Family[] = ['segmentation', 'classification', 'interactive'];
const PARTS = ['TRAINED_PART_HEAD', 'TRAINED_PART_ADAPTERS', 'TRAINED_PART_ENCODER'] as const;

interface Draft {
  family: Family;
  name: string;
  dataset: string;
  data: string;
  base: string;
  train: (typeof PARTS)[number];
  overrides: RecipeOverrides;
}

const FIRST: Draft = {
  family: 'segmentation',
  name: '',
  dataset: '',
  data: '',
  base: '',
  train: 'TRAINED_PART_HEAD',
  overrides: {},
};

export function JobForm() {
  const [draft, setDraft] = useState(FIRST);
  const [requestId] = useState(randomId);
  const [error, setError] = useState<unknown>();
  const { value: bases = [] } = useLoad(async (signal) => newestVersions(await listBases({ signal })));
  const change = (part: Partial<Draft>): void => setDraft((before) => ({ ...before, ...part }));
  const base = draft.base === '' ? ((bases[0] && reference(bases[0])) ?? '') : draft.base;
  const submit = (event: Event): void => {
    event.preventDefault();
    setError(undefined);
    createJob(specOf({ ...draft, base }), requestId).then(({ id }) => go(`/jobs/${id}`), setError);
  };
  return (
    <form class="card form" onSubmit={submit}>
      <div class="columns">
        <MainFields draft={draft} base={base} bases={bases.map(reference)} onChange={change} />
      </div>
      <details>
        <summary>{t.jobs.form.more}</summary>
        <div class="columns">
          {KNOBS.map((knob) => (
            <KnobField
              key={knob.key}
              knob={knob}
              family={draft.family}
              value={draft.overrides[knob.key]}
              onChange={(value) => change({ overrides: withValue(draft.overrides, knob.key, value) })}
            />
          ))}
        </div>
      </details>
      {error === undefined ? null : <Problem error={error} />}
      <div class="row">
        <button type="submit" class="button primary">
          {t.jobs.form.submit}
        </button>
      </div>
    </form>
  );
}

type Change = (part: Partial<Draft>) => void;

function MainFields(props: { draft: Draft; base: string; bases: readonly string[]; onChange: Change }) {
  const { draft, base, bases, onChange } = props;
  return (
    <>
      <SelectField
        label={t.jobs.form.task}
        hint={t.jobs.form.families[draft.family]}
        value={draft.family}
        options={FAMILIES.map((each) => [each, t.jobs.form.familyNames[each]] as const)}
        onChange={(family) => onChange({ family })}
      />
      <TextField
        label={t.jobs.form.name}
        hint={t.jobs.form.nameHint}
        required
        pattern={NAME_PATTERN}
        value={draft.name}
        onChange={(name) => onChange({ name })}
      />
      <DataFields draft={draft} onChange={onChange} />
      <SelectField
        label={t.jobs.form.base}
        hint={t.jobs.form.baseHint}
        required
        value={base}
        options={bases.map((each) => [each, each] as const)}
        onChange={(chosen) => onChange({ base: chosen })}
      />
      <SelectField
        label={t.jobs.form.train}
        hint={t.jobs.form.trainHint}
        value={draft.train}
        options={PARTS.map((each) => [each, t.jobs.form.parts[each]] as const)}
        onChange={(train) => onChange({ train })}
      />
    </>
  );
}

function DataFields({ draft, onChange }: { draft: Draft; onChange: Change }) {
  const { value: datasets = [] } = useLoad((signal) => listDatasets({ signal }));
  const task = draft.family === 'classification' ? 'TASK_CLASSIFICATION' : 'TASK_SEGMENTATION';
  const fit = datasets.filter(({ state, spec }) => state === 'DATASET_STATE_READY' && spec.task === task);
  return (
    <>
      <SelectField
        label={t.jobs.form.dataset}
        hint={t.jobs.form.datasetHint}
        value={draft.dataset}
        options={[['', t.jobs.form.folderInstead], ...fit.map((each) => [reference(each), reference(each)] as const)]}
        onChange={(dataset) => onChange({ dataset })}
      />
      {draft.dataset === '' ? (
        <TextField
          label={t.jobs.form.folder}
          hint={t.jobs.form.folderHint}
          required
          value={draft.data}
          onChange={(data) => onChange({ data })}
        />
      ) : null}
    </>
  );
}

function withValue(overrides: RecipeOverrides, key: keyof RecipeOverrides, value: unknown): RecipeOverrides {
  const others = Object.fromEntries(Object.entries(overrides).filter(([name]) => name !== key));
  return value === undefined ? others : { ...others, [key]: value };
}

function specOf({ family, name, dataset, data, base, train, overrides }: Draft): TrainingSpec {
  return {
    task: family === 'classification' ? 'TASK_CLASSIFICATION' : 'TASK_SEGMENTATION',
    name,
    base,
    train,
    overrides,
    ...(family === 'interactive' ? { system: 'interactive' } : {}),
    ...(dataset === '' ? { data } : { dataset }),
  };
}
