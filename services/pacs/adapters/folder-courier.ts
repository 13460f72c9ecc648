import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder } from '../../common/make-folder';
import { errnoOf, replaceFile, syncEntries } from '../../store/durable';
import { failed, type Courier, type Sendable, type Sent } from '../domain/delivery';

/** Puts objects into a folder, each under its UID; a file is complete when its name is there. */
export class FolderCourier implements Courier {
  constructor(private readonly folder: string) {}

  send(objects: readonly Sendable[]): Promise<Sent[]> {
    return Promise.all(objects.map((object) => this.put(object)));
  }

  private async put({ path, sopInstance }: Sendable): Promise<Sent> {
    try {
      await makeFolder(this.folder);
      await replaceFile(join(this.folder, `${sopInstance}.dcm`), await readFile(path));
      await syncEntries(this.folder, this.folder);
      return { stored: true };
    } catch (error) {
      const code = errnoOf(error) ?? (error as { code?: string }).code ?? 'error';
      return failed('transient', 'FOLDER', `The folder cannot be written (${code}).`);
    }
  }
}
