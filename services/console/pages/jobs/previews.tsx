import { useState } from 'preact/hooks';
import { t } from '../../../console-kit/texts/en';
import type { JobHistory } from './history';

/** The same validation images after every epoch, as a slider. */
export function Previews({ previews }: Pick<JobHistory, 'previews'>) {
  const [chosen, setChosen] = useState<number>();
  const shown = previews.find(({ epoch }) => epoch === chosen) ?? previews.at(-1);
  if (!shown) return null;
  const index = previews.indexOf(shown);
  return (
    <section class="card previews">
      <div class="section-head">
        <h2>{t.jobs.previews}</h2>
        <label class="inline">
          <span>{t.jobs.afterEpoch(shown.epoch)}</span>
          <input
            type="range"
            min="0"
            max={previews.length - 1}
            value={index}
            onInput={(event) => setChosen(previews[Number(event.currentTarget.value)]?.epoch)}
          />
        </label>
      </div>
      <div class="preview">
        <img src={`data:image/png;base64,${shown.png ?? ''}`} alt={t.jobs.afterEpoch(shown.epoch)} />
        <ul>
          {shown.pictures?.map(({ name, caption }) => (
            <li key={name}>
              <span class="mono">{name}</span> {caption}
            </li>
          ))}
        </ul>
      </div>
    </section>
  );
}
