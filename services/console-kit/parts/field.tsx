import type { ComponentChildren } from 'preact';
import { useId } from 'preact/hooks';

/** What ties a control to its name and its meaning. */
export interface FieldIds {
  id: string;
  'aria-describedby'?: string;
}

interface FieldProps {
  label: string;
  hint?: string;
  /** Makes the control. */
  children: (ids: FieldIds) => ComponentChildren;
}

/** A control with its name above and its meaning below. */
export function Field({ label, hint = '', children }: FieldProps) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {children(hint === '' ? { id } : { id, 'aria-describedby': `${id}-hint` })}
      {hint === '' ? null : <small id={`${id}-hint`}>{hint}</small>}
    </div>
  );
}

interface TextFieldProps {
  label: string;
  hint?: string;
  value: string;
  required?: boolean;
  pattern?: string;
  onChange: (value: string) => void;
}

export function TextField({ label, hint = '', value, required = false, pattern, onChange }: TextFieldProps) {
  return (
    <Field label={label} hint={hint}>
      {(ids) => (
        <input
          {...ids}
          type="text"
          spellcheck={false}
          required={required}
          {...(pattern === undefined ? {} : { pattern })}
          value={value}
          onInput={(event) => onChange(event.currentTarget.value)}
        />
      )}
    </Field>
  );
}

/** What the API takes as a name. */
export const NAME_PATTERN = '[a-z0-9_.\\-]{1,63}';

interface SelectFieldProps<Value extends string> {
  label: string;
  hint?: string;
  value: Value;
  required?: boolean;
  options: readonly (readonly [value: Value, text: string])[];
  onChange: (value: Value) => void;
}

export function SelectField<Value extends string>(props: SelectFieldProps<Value>) {
  const { label, hint = '', value, required = false, options, onChange } = props;
  return (
    <Field label={label} hint={hint}>
      {(ids) => (
        <select
          {...ids}
          value={value}
          required={required}
          onChange={(event) => onChange(event.currentTarget.value as Value)}
        >
          {options.map(([each, text]) => (
            <option key={each} value={each}>
              {text}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}
