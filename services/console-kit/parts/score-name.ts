import { t } from '../texts/en';

/** `test.mdsc` in words. */
export function scoreName(name: string): string {
  const [part = '', score = ''] = name.split('.');
  return t.score(t.scores[score] ?? score.replaceAll('_', ' '), t.parts[part] ?? part);
}
