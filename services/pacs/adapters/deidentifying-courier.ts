// Sends objects without what identifies the patient, to destinations outside the trust domain.

import { randomUUID } from 'node:crypto';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { deidentify, Pseudonyms, type Profile, type ReidentificationMap } from '../../deidentification';
import type { Courier, Sendable, Sent } from '../domain/delivery';

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
    try {
      for (const { path, sopClass } of objects) {
        const { bytes, sopInstanceUid, replaced } = deidentify(await readFile(path), this.profile, this.names);
        this.map.remember(replaced);
        // Another beginning than that of the spool's files, which are swept: a process that is killed leaves nothing behind.
        const copy = `${path}.${randomUUID()}.part`;
        written.push({ sopClass, sopInstance: sopInstanceUid, path: copy });
        await writeFile(copy, bytes);
      }
      return await this.inner.send(written);
    } finally {
      for (const { path } of written) await rm(path, { force: true });
    }
  }
}
