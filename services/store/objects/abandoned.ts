// What writers that died left in an object store: the files of a version whose manifest, which is written last, never came, and
// what a deletion did not get to.

import type { Listed, ObjectStore } from './object-store';

/** Writers may be at it for so long since their last object, milliseconds. */
const WRITING_MS = 24 * 3_600_000;

export interface Abandoned {
  /** `models/polyp/3` */
  place: string;
  bytes: number;
}

export class AbandonedObjects {
  constructor(private readonly objects: ObjectStore) {}

  async find(): Promise<Abandoned[]> {
    const lists = await Promise.all(['models', 'bases', 'backbones'].map((kind) => this.objects.list(`${kind}/`)));
    return lists.flatMap(abandonedAmong);
  }

  /** Deletes what find() found; false when somebody has written there since. */
  async remove(place: string): Promise<boolean> {
    const listed = await this.objects.list(`${place}/`);
    if (listed.length > 0 && abandonedAmong(listed).length === 0) return false;
    for (const { key } of listed) await this.objects.remove(key);
    return true;
  }
}

function abandonedAmong(listed: readonly Listed[]): Abandoned[] {
  const versions = new Map<string, Listed[]>();
  for (const each of listed) {
    const [, place] = /^((?:models|bases|backbones)\/[^/]+\/[1-9]\d{0,8})\/./.exec(each.key) ?? [];
    if (place !== undefined) versions.set(place, [...(versions.get(place) ?? []), each]);
  }
  const since = Date.now() - WRITING_MS;
  return [...versions]
    .filter(([place, files]) => !files.some(({ key }) => isManifest(place, key)))
    .filter(([, files]) => files.every(({ writtenMs }) => writtenMs < since))
    .map(([place, files]) => ({ place, bytes: files.reduce((sum, { bytes }) => sum + bytes, 0) }));
}

const isManifest = (place: string, key: string): boolean =>
  ['model', 'base', 'backbone'].some((kind) => key === `${place}/${kind}.json`);
