import { t } from '../../../console-kit/texts/en';
import type { LogLine } from './history';

export function JobLog({ lines }: { lines: readonly LogLine[] }) {
  if (lines.length === 0) return null;
  return (
    <details class="card" open>
      <summary>{t.jobs.log}</summary>
      <ol class="log" tabIndex={0} aria-label={t.jobs.log}>
        {lines.map(({ time, warning, text }, index) => (
          <li key={index} class={warning ? 'warn' : ''}>
            <time>{time.slice(11, 19)}</time> {text}
          </li>
        ))}
      </ol>
    </details>
  );
}
