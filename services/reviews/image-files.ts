import { createHash } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { automedError } from '../common/errors';
import { makeFolder } from '../common/make-folder';
import { errnoOf, replaceFile } from '../store/durable';

/** Images of reviews, a file each below the store's reviews/images/. */
export class ImageFiles {
  /** @param home root of the store */
  constructor(private readonly home: string) {}

  digestOf(bytes: Uint8Array): string {
    return createHash('sha256').update(bytes).digest('hex');
  }

  async write(id: string, bytes: Uint8Array): Promise<void> {
    const path = this.pathOf(id);
    await makeFolder(dirname(path));
    await replaceFile(path, bytes);
  }

  async read(id: string): Promise<Buffer> {
    return readFile(this.pathOf(id)).catch((error: unknown) => {
      if (errnoOf(error) !== 'ENOENT') throw error;
      throw automedError('NOT_FOUND', 'The image of this review is not there any more.', { field: 'id', cause: error });
    });
  }

  async remove(ids: readonly string[]): Promise<void> {
    for (const id of ids) await rm(this.pathOf(id), { force: true });
  }

  private pathOf(id: string): string {
    return join(this.home, 'reviews', 'images', id.slice(0, 2), id);
  }
}
