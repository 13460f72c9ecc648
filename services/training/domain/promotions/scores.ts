// Finds a score by its name in what a manifest or an evaluation records.

const PARTS = ['test', 'validation'] as const;

/** Lists whose entries have a name, and how names of scores call them. */
const LISTS: Readonly<Record<string, string>> = { structures: 'structure', classes: 'class' };

type Scores = ReadonlyMap<string, number>;

function record(value: unknown): Record<string, unknown> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : undefined;
}

function collect(value: unknown, name: string, into: Map<string, number>): void {
  if (typeof value === 'number') into.set(name, value);
  const [, list = ''] = /(?:^|\.)([a-z]+)$/.exec(name) ?? [];
  if (Array.isArray(value)) {
    const prefix = LISTS[list];
    if (prefix === undefined) return;
    const before = name.slice(0, name.length - list.length);
    for (const entry of value) {
      const fields = record(entry);
      if (typeof fields?.['name'] === 'string') collect(fields, `${before}${prefix}.${fields['name']}`, into);
    }
    return;
  }
  for (const [key, inner] of Object.entries(record(value) ?? {})) {
    if (key === 'intervals') collectIntervals(inner, name === '' ? '' : `${name}.`, into);
    else collect(inner, name === '' ? key : `${name}.${key}`, into);
  }
}

/** The ends of intervals are scores, too: a cautious gate asks for `mdsc.low`. */
function collectIntervals(intervals: unknown, prefix: string, into: Map<string, number>): void {
  for (const [score, estimate] of Object.entries(record(record(intervals)?.['estimates']) ?? {})) {
    const { value, low, high, images } = record(estimate) ?? {};
    for (const [suffix, each] of Object.entries({ '': value, '.low': low, '.high': high, '.images': images })) {
      if (typeof each === 'number') into.set(`${prefix}${score}${suffix}`, each);
    }
  }
}

/** Every score by name: `mdsc`, `structure.disc.miou`, `class.glioma.recall`, `validation.mdsc`, `test.mdsc.low`. */
export function namedScores(metrics: unknown): Scores {
  const scores = new Map<string, number>();
  collect(metrics, '', scores);
  return scores;
}

export interface LocatedScore {
  value: number;
  /** Images that it rests on; undefined where that is not recorded. */
  images: number | undefined;
  /** Images that were measured; undefined where that is not recorded. */
  measured: number | undefined;
  /** Where several parts are recorded, the one that it is of. */
  part: (typeof PARTS)[number] | undefined;
}

/** A score by its name; without its part that of the test, or where there is none of the validation. */
export function locateScore(scores: Scores, name: string): LocatedScore | undefined {
  for (const prefix of ['', ...PARTS.map((part) => `${part}.`)]) {
    const value = scores.get(`${prefix}${name}`);
    if (value === undefined) continue;
    const part = PARTS.find((each) => `${prefix}${name}`.startsWith(`${each}.`));
    const measured = scores.get(part === undefined ? 'images' : `${part}.images`);
    const own = `${prefix}${name.replace(/\.(low|high)$/, '')}`;
    // Versions without intervals tell of a class alone how many images it has.
    const ofClass = own.endsWith('.recall') ? scores.get(own.replace(/recall$/, 'support')) : undefined;
    const images = scores.get(`${own}.images`) ?? ofClass ?? measured;
    return { value, images, measured, part };
  }
  return undefined;
}
