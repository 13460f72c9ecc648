import { useEffect } from 'preact/hooks';
import { listModels, newestVersions, reference } from '../../../console-kit/api/models';
import type { Model } from '../../../console-kit/api/types';
import { Busy, Problem } from '../../../console-kit/parts/notice';
import { useLoad } from '../../../console-kit/parts/use-load';
import { t } from '../../../console-kit/texts/en';

/** Picked at the start; more is a click away. */
const FIRST = 4;

/** The newest version of each model, to be ticked. */
export function ModelPicker(props: { chosen: readonly string[]; onChange: (models: readonly string[]) => void }) {
  const { chosen, onChange } = props;
  const { value: models, error, reload } = useLoad(async (signal) => newestVersions(await listModels({ signal })));
  useEffect(() => {
    if (models && chosen.length === 0) onChange(models.slice(0, FIRST).map(reference));
  }, [models]);
  return (
    <section>
      <h2>{t.try.models}</h2>
      {error === undefined ? null : <Problem error={error} retry={reload} />}
      {models?.length === 0 ? <p class="muted">{t.try.noModels}</p> : null}
      {!models && error === undefined ? <Busy>{t.loading}</Busy> : null}
      <div class="choices">
        {models?.map((model) => (
          <ModelChoice
            key={reference(model)}
            model={model}
            checked={chosen.includes(reference(model))}
            onToggle={(checked) =>
              onChange(checked ? [...chosen, reference(model)] : chosen.filter((each) => each !== reference(model)))
            }
          />
        ))}
      </div>
    </section>
  );
}

function ModelChoice(props: { model: Model; checked: boolean; onToggle: (checked: boolean) => void }) {
  const { model, checked, onToggle } = props;
  const what = model.task === 'TASK_SEGMENTATION' ? t.try.segmentation : t.try.classification;
  return (
    <label class="choice">
      <input type="checkbox" checked={checked} onChange={(event) => onToggle(event.currentTarget.checked)} />
      <span class="choice-name">
        {model.name}
        <small>{`@${model.version}`}</small>
      </span>
      <span class="chip">{what}</span>
    </label>
  );
}
