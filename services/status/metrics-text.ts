// The text that Prometheus scrapes.

/** One value of one series. */
export interface Sample {
  name: string;
  labels: Readonly<Record<string, string>>;
  value: number;
}

const SAMPLE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? +(\S+)/;
const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g;
const ESCAPED: Readonly<Record<string, string>> = { '\\\\': '\\', '\\"': '"', '\\n': '\n' };

/** Every sample of a scrape; NaN is left out. */
export function parseMetrics(text: string): Sample[] {
  return text.split('\n').flatMap((line) => {
    const [, name, labels = '', value] = SAMPLE.exec(line) ?? [];
    const number = Number(value);
    if (name === undefined || Number.isNaN(number)) return [];
    const pairs = [...labels.matchAll(LABEL)].map(([, key = '', quoted = '']) => [
      key,
      quoted.replace(/\\[\\"n]/g, (pair) => ESCAPED[pair] ?? pair),
    ]);
    return [{ name, labels: Object.fromEntries(pairs) as Record<string, string>, value: number }];
  });
}

/** Samples of a name. */
export const samplesOf = (samples: readonly Sample[], name: string): Sample[] =>
  samples.filter((each) => each.name === name);

/** Their sum; undefined where there are none. */
export function sumOf(samples: readonly Sample[], name: string): number | undefined {
  const found = samplesOf(samples, name);
  return found.length === 0 ? undefined : found.reduce((sum, { value }) => sum + value, 0);
}
