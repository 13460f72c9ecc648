import { signal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { listBases, newestVersions, reference } from '../../../console-kit/api/models';
import { Field } from '../../../console-kit/parts/field';
import { Problem } from '../../../console-kit/parts/notice';
import { useLoad } from '../../../console-kit/parts/use-load';
import { t } from '../../../console-kit/texts/en';

/** `name@version`; empty until the list is there. */
export const chosenBase = signal('');

export function BasePicker() {
  const { value: bases, error, reload } = useLoad(async (signal) => newestVersions(await listBases({ signal })));
  useEffect(() => {
    const first = bases?.find(({ randomWeights }) => !randomWeights) ?? bases?.[0];
    if (first && !bases?.some((each) => reference(each) === chosenBase.peek())) chosenBase.value = reference(first);
  }, [bases]);
  if (error !== undefined) return <Problem error={error} retry={reload} />;
  if (bases?.length === 0) return <p class="muted">{t.interactive.noBase}</p>;
  const chosen = bases?.find((each) => reference(each) === chosenBase.value);
  return (
    <Field label={t.interactive.base} hint={chosen?.randomWeights ? t.interactive.random : ''}>
      {(ids) => (
        <select {...ids} value={chosenBase.value} onChange={(event) => (chosenBase.value = event.currentTarget.value)}>
          {bases?.map((each) => (
            <option key={reference(each)} value={reference(each)}>
              {reference(each)}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}
