import { useState } from 'preact/hooks';
import { isAway } from '../../../console-kit/api/call';
import { reference } from '../../../console-kit/api/models';
import { promote } from '../../../console-kit/api/promotions';
import type { Model } from '../../../console-kit/api/types';
import { SelectField, TextField } from '../../../console-kit/parts/field';
import { Problem } from '../../../console-kit/parts/notice';
import { t } from '../../../console-kit/texts/en';
import { randomId } from '../../../console-kit/api/random-id';

interface Draft {
  alias: string;
  metric: string;
  minimum: string;
  reason: string;
  who: string;
  force: boolean;
}

/** Points an alias at the version when a gate lets it pass. */
export function PromoteForm({ model, onDone }: { model: Model; onDone: () => void }) {
  const metrics = model.task === 'TASK_SEGMENTATION' ? ['mdsc', 'miou'] : ['accuracy', 'macro_f1', 'auroc'];
  const [draft, setDraft] = useState<Draft>({
    alias: 'production',
    metric: metrics[0] ?? '',
    minimum: '0.8',
    reason: '',
    who: '',
    force: false,
  });
  const [error, setError] = useState<unknown>();
  // One id for each request, so that sending it again while nobody answers promotes once; what was answered is asked anew.
  const [requestId, setRequestId] = useState(randomId);
  const [busy, setBusy] = useState(false);
  const change = (part: Partial<Draft>): void => {
    setDraft((before) => ({ ...before, ...part }));
    setRequestId(randomId);
  };
  const submit = (event: Event): void => {
    event.preventDefault();
    setError(undefined);
    setBusy(true);
    const { alias, metric, minimum, reason, who: requestedBy, force } = draft;
    const gates = [{ metric, minimum: Number(minimum) }];
    promote({ model: reference(model), alias, gates, force, reason, requestedBy, requestId })
      .catch((failure: unknown) => {
        setError(failure);
        return failure;
      })
      .then((failure) => {
        setBusy(false);
        if (!isAway(failure)) setRequestId(randomId);
        onDone();
      })
      .catch(setError);
  };
  return (
    <form class="card form" onSubmit={submit}>
      <h2>{t.models.promote.title}</h2>
      <PromoteFields draft={draft} metrics={metrics} onChange={change} />
      <label class="inline">
        <input
          type="checkbox"
          checked={draft.force}
          onChange={(event) => change({ force: event.currentTarget.checked })}
        />
        <span>{t.models.promote.force}</span>
      </label>
      {error === undefined ? null : <Problem error={error} />}
      <div class="row">
        <button type="submit" class="button primary" disabled={busy}>
          {t.models.promote.submit}
        </button>
      </div>
    </form>
  );
}

function PromoteFields(props: { draft: Draft; metrics: readonly string[]; onChange: (part: Partial<Draft>) => void }) {
  const { draft, metrics, onChange: change } = props;
  return (
    <div class="columns">
      <TextField
        label={t.models.promote.alias}
        hint={t.models.promote.aliasHint}
        required
        value={draft.alias}
        onChange={(alias) => change({ alias })}
      />
      <SelectField
        label={t.models.promote.metric}
        hint={t.models.promote.metricHint}
        value={draft.metric}
        options={metrics.map((each) => [each, t.scores[each] ?? each] as const)}
        onChange={(metric) => change({ metric })}
      />
      <TextField
        label={t.models.promote.minimum}
        hint={t.models.promote.minimumHint}
        required
        pattern="0|1|0?[.][0-9]+"
        value={draft.minimum}
        onChange={(minimum) => change({ minimum })}
      />
      <TextField
        label={t.models.promote.reason}
        hint={t.models.promote.reasonHint}
        required={draft.force}
        value={draft.reason}
        onChange={(reason) => change({ reason })}
      />
      <TextField
        label={t.models.promote.who}
        hint={t.models.promote.whoHint}
        value={draft.who}
        onChange={(who) => change({ who })}
      />
    </div>
  );
}
