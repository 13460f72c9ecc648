import { Icon } from '../../../console-kit/parts/icon';
import { measure } from '../../../console-kit/parts/measure';
import { t } from '../../../console-kit/texts/en';
import { colourOf } from '../../../console-kit/viewer/layer';
import { downloadMask } from './download-mask';
import type { Session } from './session';

export function ObjectList({ session }: { session: Session }) {
  const { objects } = session.work.value;
  return (
    <section>
      <h2>{t.interactive.objects}</h2>
      {objects.length === 0 ? <p class="muted">{t.interactive.noObjects}</p> : null}
      <ul class="rows">
        {objects.map(({ name, mask }, index) => (
          <li key={index} class="list-row object-row">
            <span class="dot" style={{ background: colourOf(index) }} />
            <span class="mask-name">
              {name}
              <small>{measure(mask)}</small>
            </span>
            <button
              type="button"
              class="tool"
              aria-label={t.interactive.download(name)}
              onClick={() => void downloadMask(mask, name)}
            >
              <Icon name="download" />
            </button>
            <button
              type="button"
              class="tool"
              aria-label={t.interactive.removePrompt(name)}
              onClick={() => session.removeObject(index)}
            >
              <Icon name="trash" />
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}
