// Where in the data the masks are that a model's structures are compared with.

import { resolveSource, type DataSource } from './read-data';

interface Structure {
  name: string;
  masks: string;
}

/** Why a model's structures cannot be compared with the data's masks. */
export type Unmatched =
  /** The caller names what the model does not draw. */
  | { unknown: string }
  /** What the model draws and neither the caller nor the layout says the masks of; `all`: nobody says any. */
  | { missing: string[]; all: boolean };

export interface LocatedSource<T extends DataSource = DataSource> {
  source: Omit<T, 'structures'> & { structures?: Structure[] };
  /** Of each structure of the model, in its order; undefined: of its only structure, the data's only kind of mask. */
  masks: Structure[] | undefined;
}

/**
 * A source with its layout told, read for a model that draws `drawn`, which are at least one.
 *
 * The masks of each structure are where the caller says, else where the layout knows; those of a single structure may be
 * called anything by the layout.
 */
export async function matchStructures<T extends DataSource>(
  given: T,
  drawn: readonly string[],
): Promise<LocatedSource<T> | { unmatched: Unmatched }> {
  const [only] = drawn;
  const single = drawn.length === 1 && only !== undefined;
  const found = await resolveSource(single ? { ...given, structure: only } : given);
  const unknown = given.structures?.find(({ name }) => !drawn.includes(name));
  if (unknown) return { unmatched: { unknown: unknown.name } };
  const layouts = given.structures ? undefined : found.structures;
  const known = given.structures ?? (single && layouts?.length === 1 ? named(layouts, only) : layouts);
  const missing = drawn.filter((structure) => !known?.some(({ name }) => name === structure));
  if (missing.length > 0 && !(single && known === undefined)) {
    return { unmatched: { missing, all: known === undefined } };
  }
  const masks = known && drawn.flatMap((structure) => known.find(({ name }) => name === structure) ?? []);
  const { structures: _, ...rest } = found;
  return { source: { ...rest, ...(masks ? { structures: masks } : {}) }, masks };
}

const named = (structures: readonly Structure[], name: string): Structure[] =>
  structures.map(({ masks }) => ({ name, masks }));
