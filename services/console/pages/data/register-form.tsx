import { useState } from 'preact/hooks';
import { checkDataset, registerDataset, type DatasetSpec } from '../../../console-kit/api/datasets';
import { reference } from '../../../console-kit/api/models';
import type { Task } from '../../../console-kit/api/types';
import { NAME_PATTERN, SelectField, TextField } from '../../../console-kit/parts/field';
import { Problem } from '../../../console-kit/parts/notice';
import { go } from '../../../console-kit/parts/router';
import { t } from '../../../console-kit/texts/en';
import { randomId } from '../../../console-kit/api/random-id';

/** Registers a folder and has it checked at once. */
export function RegisterForm() {
  const [spec, setSpec] = useState<DatasetSpec>({ name: '', task: 'TASK_SEGMENTATION', location: '' });
  const [requestId] = useState(randomId);
  const [error, setError] = useState<unknown>();
  const change = (part: Partial<DatasetSpec>): void => setSpec({ ...spec, ...part });
  const submit = async (): Promise<void> => {
    const registered = reference(await registerDataset(spec, requestId));
    await checkDataset(registered);
    go(`/data/${registered}`);
  };
  const onSubmit = (event: Event): void => {
    event.preventDefault();
    submit().catch(setError);
  };
  return (
    <form class="card form" onSubmit={onSubmit}>
      <div class="columns">
        <TextField
          label={t.data.columns.name}
          hint={t.data.nameHint}
          required
          pattern={NAME_PATTERN}
          value={spec.name}
          onChange={(name) => change({ name })}
        />
        <SelectField<Task>
          label={t.data.columns.task}
          hint={t.data.taskHint}
          value={spec.task}
          options={[
            ['TASK_SEGMENTATION', t.jobs.segmentation],
            ['TASK_CLASSIFICATION', t.jobs.classification],
          ]}
          onChange={(task) => change({ task })}
        />
        <TextField
          label={t.data.location}
          hint={t.data.locationHint}
          required
          value={spec.location}
          onChange={(location) => change({ location })}
        />
        <TextField
          label={t.data.maskValues}
          hint={t.data.maskValuesHint}
          value={spec.maskValues ?? ''}
          onChange={(maskValues) => change({ maskValues })}
        />
      </div>
      {error === undefined ? null : <Problem error={error} />}
      <div class="row">
        <button type="submit" class="button primary">
          {t.data.submit}
        </button>
      </div>
    </form>
  );
}
