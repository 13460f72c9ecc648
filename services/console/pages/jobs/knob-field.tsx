import { Field } from '../../../console-kit/parts/field';
import { t } from '../../../console-kit/texts/en';
import { DEFAULTS, wordOf, type Family, type Knob } from './knobs';

interface KnobFieldProps {
  knob: Knob;
  family: Family;
  value: string | number | boolean | undefined;
  /** undefined: the recipe's own. */
  onChange: (value: string | number | boolean | undefined) => void;
}

/** A number of the recipe with its meaning; what is left alone stays the recipe's. */
export function KnobField({ knob, family, value, onChange }: KnobFieldProps) {
  const { label, hint } = t.jobs.knobs[knob.key];
  const usual = DEFAULTS[family][knob.key];
  if (knob.kind === 'number') {
    return (
      <Field label={label} hint={hint}>
        {(ids) => (
          <input
            {...ids}
            type="number"
            min={knob.min}
            max={knob.max}
            step={knob.step}
            placeholder={String(usual)}
            value={value === undefined ? '' : String(value)}
            onInput={({ currentTarget }) =>
              onChange(currentTarget.value === '' ? undefined : currentTarget.valueAsNumber)
            }
          />
        )}
      </Field>
    );
  }
  const options =
    knob.kind === 'choice'
      ? knob.options.map((each) => ({ text: wordOf(each), value: each }))
      : [
          { text: t.jobs.on, value: 'true' },
          { text: t.jobs.off, value: 'false' },
        ];
  const word = typeof usual === 'boolean' ? (usual ? t.jobs.on : t.jobs.off) : wordOf(String(usual));
  const read = (text: string): string | boolean | undefined =>
    text === '' ? undefined : knob.kind === 'switch' ? text === 'true' : text;
  return (
    <Field label={label} hint={hint}>
      {(ids) => (
        <select
          {...ids}
          value={value === undefined ? '' : String(value)}
          onChange={(event) => onChange(read(event.currentTarget.value))}
        >
          <option value="">{t.jobs.usual(word)}</option>
          {options.map((each) => (
            <option key={each.value} value={each.value}>
              {each.text}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}
