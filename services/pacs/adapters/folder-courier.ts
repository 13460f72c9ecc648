import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder } from '../../common/make-folder';
import { errnoOf, replaceFile, syncEntries } from '../../store/durable';
import { failed, type Courier, type Sendable, type Sent } from '../domain/delivery';
import { sendPrepared } from './prepared';

/** Puts objects into a folder, each under its UID; a file is complete when its name is there. */
export class FolderCourier implements Courier {
  constructor(private readonly folder: string) {}

  send(objects: readonly Sendable[]): Promise<Sent[]> {
    const read = async ({ path, sopInstance }: Sendable) => ({ sopInstance, bytes: await readFile(path) });
    return sendPrepared(objects, read, (ready) => Promise.all(ready.map((each) => this.put(each))));
  }

  private async put({ sopInstance, bytes }: { sopInstance: string; bytes: Buffer }): Promise<Sent> {
    try {
      await makeFolder(this.folder);
      await replaceFile(join(this.folder, `${sopInstance}.dcm`), bytes);
      await syncEntries(this.folder, this.folder);
      return { stored: true };
    } catch (error) {
      const code = errnoOf(error) ?? (error as { code?: string }).code ?? 'error';
      return failed('transient', 'FOLDER', `The folder cannot be written (${code}).`);
    }
  }
}
