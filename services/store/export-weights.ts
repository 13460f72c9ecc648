import { randomUUID } from 'node:crypto';
import { copyFile, link, open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { automedError } from '../common/errors';
import { errnoOf, storageError } from './durable';

/** An existing file is replaced only on request. */
export interface ExportOptions {
  replace?: boolean;
}

/**
 * Copies a safetensors file out of the store: whole or not at all, and durable.
 * @param weightsPath of a verified version
 */
export async function exportWeights(weightsPath: string, target: string, options: ExportOptions = {}): Promise<void> {
  const temporary = join(dirname(target), `.${basename(target)}.${randomUUID().slice(0, 8)}.tmp`);
  try {
    await copyFile(weightsPath, temporary);
    const handle = await open(temporary, 'r+');
    await handle.sync().finally(() => handle.close());
    // link() fails where rename() would silently replace.
    await (options.replace ? rename(temporary, target) : link(temporary, target));
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') {
      throw automedError('INVALID_ARGUMENT', `${target} exists; --force replaces it.`, { field: 'out', cause: error });
    }
    if (errnoOf(error) === 'ENOENT') {
      throw automedError('INVALID_ARGUMENT', `There is no folder ${dirname(target)}.`, { field: 'out', cause: error });
    }
    throw storageError(error);
  } finally {
    await rm(temporary, { force: true });
  }
}
