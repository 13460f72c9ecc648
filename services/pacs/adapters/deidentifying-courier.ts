// Sends objects without what identifies the patient, to destinations outside the trust domain.

import { randomUUID } from 'node:crypto';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { deidentify, Pseudonyms, type Profile, type ReidentificationMap } from '../../deidentification';
import type { Courier, Sendable, Sent } from '../domain/delivery';
import { sendPrepared } from './prepared';

/** Writes each object anew, and sends that by another courier. Who it is of is in the map before anybody gets it. */
export class DeidentifyingCourier implements Courier {
  private readonly names: Pseudonyms;

  constructor(
    private readonly inner: Courier,
    private readonly profile: Profile,
    private readonly map: ReidentificationMap,
  ) {
    this.names = new Pseudonyms(map.key);
  }

  async send(objects: readonly Sendable[]): Promise<Sent[]> {
    const written: Sendable[] = [];
    const write = async ({ path, sopClass }: Sendable): Promise<Sendable> => {
      const { bytes, sopInstanceUid, replaced } = deidentify(await readFile(path), this.profile, this.names);
      this.map.remember(replaced);
      // Ends as the spool's unfinished files do, which are swept: a process that is killed leaves nothing behind.
      const copy = { sopClass, sopInstance: sopInstanceUid, path: `${path}.${randomUUID()}.part` };
      written.push(copy);
      await writeFile(copy.path, bytes);
      return copy;
    };
    try {
      return await sendPrepared(objects, write, (copies) => this.inner.send(copies));
    } finally {
      for (const { path } of written) await rm(path, { force: true });
    }
  }
}
