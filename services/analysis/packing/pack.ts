// What goes to which destination: objects of an analysis, in the encodings that each receiver takes. Every object is made once.

import { ResultError, type ReferencedObject, type ResultKind } from '../../dicom-results';
import { choices, KIND_OF, type Choice, type Refusal } from './encodings';
import type { AnalysisRule, EncodingName, Extra, ObjectKind, PlannedDelivery, StoredResult } from '../types';
import type { Found, MadeObject, ResultWriter } from '../ports';

/** What a destination wants to see, and what it is known not to take. */
export interface Target {
  destination: string;
  encodings: readonly EncodingName[];
  also: readonly Extra[];
  refusals: readonly Refusal[];
}

export interface PackDeps {
  writer: ResultWriter;
  /** Puts an object on the disk. */
  store: (object: MadeObject) => Promise<StoredResult>;
  /** Deletes an object that was stored and is not needed. */
  drop: (result: StoredResult) => Promise<void>;
}

export interface Packed {
  results: StoredResult[];
  deliveries: PlannedDelivery[];
}

/** Objects of one kind, as they were made. */
interface Made {
  stored: StoredResult[];
  /** What a report refers to; absent where it is many objects. */
  reference: ReferencedObject | undefined;
}

/** Objects that reports refer to. */
const DRAWN: Partial<Record<ObjectKind, ResultKind>> = { SEG: 'segmentation', LABELMAP: 'labelmap' };

const keyOf = (kind: ObjectKind, of: string): string => (of === '' ? kind : `${kind} ${of}`);

/** What there is already of an analysis, by kind. */
function earlier({ context }: Found, results: readonly StoredResult[]): Map<string, Promise<Made>> {
  const studyUid = context.series[0]?.studyUid ?? '';
  const made = new Map<string, Promise<Made>>();
  for (const first of results.filter(({ part }) => part === 1)) {
    const stored = results.filter(({ kind, of }) => kind === first.kind && of === first.of);
    const { kind, of, sopClass: sopClassUid, sopInstance: sopInstanceUid, series: seriesUid } = first;
    const drawn = DRAWN[kind];
    const reference = drawn && { kind: drawn, sopClassUid, sopInstanceUid, seriesUid, studyUid };
    made.set(keyOf(kind, of), Promise.resolve({ stored, reference }));
  }
  return made;
}

const NONE: Made = { stored: [], reference: undefined };

class Packer {
  private readonly made: Map<string, Promise<Made>>;
  /** Everything that was put on the disk here. */
  private readonly written: StoredResult[] = [];

  constructor(
    private readonly found: Found,
    private readonly deps: PackDeps,
    results: readonly StoredResult[],
  ) {
    this.made = earlier(found, results);
  }

  /** @throws ResultError (ENCODING) where the encoding cannot hold what was drawn */
  picture(encoding: EncodingName): Promise<Made> {
    const { context, masks, display } = this.found;
    if (!masks) return Promise.resolve(NONE);
    const { writer } = this.deps;
    const kind = KIND_OF[encoding];
    return this.once(kind, async () => {
      if (encoding === 'CAPTURE') {
        const stored: StoredResult[] = [];
        for await (const object of writer.captures(context, masks, display)) {
          stored.push(await this.put({ kind, of: '', part: stored.length + 1, object }));
        }
        return { stored, reference: undefined };
      }
      const object = await (encoding === 'BINARY'
        ? writer.segmentation(context, masks)
        : writer.labelmap(context, masks));
      if (!object) return NONE;
      return { stored: [await this.put({ kind, of: '', part: 1, object })], reference: object };
    });
  }

  outlines(): Promise<Made> {
    const { context, masks } = this.found;
    // There are no presentation states of grey for pictures in colour.
    if (!masks || context.series.some(({ isColour }) => isColour)) return Promise.resolve(NONE);
    return this.once('GSPS', async () => {
      const object = await this.deps.writer.presentation(context, masks);
      if (!object) return NONE;
      return { stored: [await this.put({ kind: 'GSPS', of: '', part: 1, object })], reference: object };
    });
  }

  /** @param of encoding of the object that it goes with; none where nothing was drawn, or is sent */
  report(of: EncodingName | ''): Promise<Made> {
    const { context, masks, classifications } = this.found;
    return this.once(keyOf('SR', of), async () => {
      const reference = of === '' ? undefined : (await this.picture(of)).reference;
      const findings = masks ? { masks } : { classifications: classifications ?? [] };
      const object = await this.deps.writer.report(context, findings, reference);
      return { stored: [await this.put({ kind: 'SR', of, part: 1, object })], reference: object };
    });
  }

  async results(): Promise<StoredResult[]> {
    const made = await Promise.allSettled(this.made.values());
    return made.flatMap((each) => (each.status === 'fulfilled' ? each.value.stored : []));
  }

  /** Deletes what was put on the disk and is none of the results. */
  async dropAllBut(results: readonly StoredResult[]): Promise<void> {
    await Promise.allSettled(this.made.values());
    const named = new Set(results.map(({ file }) => file));
    await Promise.allSettled(this.written.filter(({ file }) => !named.has(file)).map((each) => this.deps.drop(each)));
  }

  private async put(object: MadeObject): Promise<StoredResult> {
    const stored = await this.deps.store(object);
    this.written.push(stored);
    return stored;
  }

  private once(key: string, work: () => Promise<Made>): Promise<Made> {
    const made = this.made.get(key) ?? work();
    this.made.set(key, made);
    return made;
  }
}

/** The first encoding that can hold what was drawn. */
async function pictureFor(packer: Packer, options: readonly Choice[]): Promise<(Choice & { made: Made }) | undefined> {
  const unfit: string[] = [];
  for (const choice of options) {
    try {
      const made = await packer.picture(choice.encoding);
      return { ...choice, made, reason: [...unfit, choice.reason].join(' ') };
    } catch (error) {
      if (!(error instanceof ResultError) || error.defect !== 'ENCODING') throw error;
      unfit.push(`${choice.encoding}: ${error.message}`);
    }
  }
  return undefined;
}

const goes = (destination: string, { stored }: Made, reason: string): PlannedDelivery[] =>
  stored.map(({ kind, of, part }) => ({ destination, kind, of, part, reason }));

/** What one destination gets; a segmentation before the report that refers to it. */
async function planFor(packer: Packer, rule: AnalysisRule, target: Target): Promise<PlannedDelivery[]> {
  const { destination, encodings, also, refusals } = target;
  const options = rule.results.includes('SEG') ? choices(encodings, refusals) : [];
  const picture = await pictureFor(packer, options);
  const planned = picture ? goes(destination, picture.made, picture.reason) : [];
  for (const extra of rule.results.includes('SEG') ? also : []) {
    if (extra === 'CAPTURE' && picture?.encoding === 'CAPTURE') continue;
    const made = await (extra === 'CAPTURE' ? packer.picture('CAPTURE') : packer.outlines());
    planned.push(...goes(destination, made, 'The destination asks for it.'));
  }
  if (rule.results.includes('SR')) {
    const reference = picture?.made.reference ? picture.encoding : '';
    const reason = reference === '' ? 'It names the images alone.' : `It refers to the ${reference} segmentation.`;
    planned.push(...goes(destination, await packer.report(reference), reason));
  }
  return planned;
}

/**
 * Makes what the destinations of a rule get. A BINARY segmentation is made in any case: other encodings are made of it later, when a
 * receiver turns out not to take it.
 * @param results that there are already
 * @throws ResultError; what reading pictures rejects with
 */
export async function pack(
  found: Found,
  rule: AnalysisRule,
  targets: readonly Target[],
  deps: PackDeps,
  results: readonly StoredResult[] = [],
): Promise<Packed> {
  const packer = new Packer(found, deps, results);
  let made: StoredResult[] = [];
  try {
    if (found.masks && rule.results.includes('SEG')) await packer.picture('BINARY');
    const deliveries: PlannedDelivery[] = [];
    for (const target of targets) deliveries.push(...(await planFor(packer, rule, target)));
    made = await packer.results();
    return { results: made, deliveries };
  } finally {
    // Parts of an encoding that could not be finished; everything, where the whole was not.
    await packer.dropAllBut(made);
  }
}
