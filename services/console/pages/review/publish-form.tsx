import { useState } from 'preact/hooks';
import { reference } from '../../../console-kit/api/models';
import { publishQueue } from '../../../console-kit/api/reviews';
import { NAME_PATTERN, TextField } from '../../../console-kit/parts/field';
import { Busy, Problem } from '../../../console-kit/parts/notice';
import { t } from '../../../console-kit/texts/en';

const texts = t.review.publish;

/** Makes a data set of what was accepted and amended. */
export function PublishForm({ queue }: { queue: string }) {
  const [name, setName] = useState(queue);
  const [busy, setBusy] = useState(false);
  const [made, setMade] = useState<Awaited<ReturnType<typeof publishQueue>>>();
  const [error, setError] = useState<unknown>();
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    setBusy(true);
    setError(undefined);
    await publishQueue(queue, name).then(setMade, setError);
    setBusy(false);
  };
  return (
    <details>
      <summary>{texts.title}</summary>
      <form class="form" onSubmit={(event) => void submit(event)}>
        <TextField
          label={texts.name}
          hint={texts.hint}
          required
          pattern={NAME_PATTERN}
          value={name}
          onChange={setName}
        />
        {busy ? <Busy>{t.loading}</Busy> : null}
        {error === undefined ? null : <Problem error={error} />}
        {made ? (
          <p class="good" role="status">
            <a href={`/data/${reference(made.dataset)}`}>
              {texts.done(reference(made.dataset), t.units.images(made.imageCount), made.amendedCount ?? 0)}
            </a>
          </p>
        ) : null}
        {made?.skipped?.length ? (
          <div class="notice hint">
            <p>{texts.skipped}</p>
            <ul>
              {made.skipped.map(({ id, name: of, problem }) => (
                <li key={id}>{texts.why(of, problem)}</li>
              ))}
            </ul>
          </div>
        ) : null}
        <button type="submit" class="button small" disabled={busy}>
          {texts.submit}
        </button>
      </form>
    </details>
  );
}
