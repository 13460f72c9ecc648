import { t } from '../texts/en';

const TONES: Readonly<Record<string, string>> = {
  succeeded: 'good',
  ready: 'good',
  done: 'good',
  passed: 'good',
  delivered: 'good',
  failed: 'bad',
  dead: 'bad',
  held: 'warn',
  rejected: 'bad',
  refused: 'bad',
  running: 'warn',
  checking: 'warn',
};

/** A state of the API, e.g. `TRAINING_JOB_STATE_RUNNING`, in words. */
export function StateChip({ state, prefix }: { state: string; prefix: string }) {
  const word = state.replace(prefix, '').toLowerCase().replaceAll('_', ' ');
  return <span class={`chip ${TONES[word] ?? ''}`}>{t.states[word] ?? word}</span>;
}
