import type { MadeObject, StoredResult } from '../../analysis';
import { storageError } from '../../store/durable';
import type { Spool } from './spool';

/** Puts a result on the disk before anything is said of it. @throws AutomedError (STORAGE_FULL), and errors of the file system as they are */
export async function storeResult(outbox: Spool, { kind, of, part, object }: MadeObject): Promise<StoredResult> {
  const file = await outbox.create(Buffer.alloc(0));
  file.write(object.bytes);
  const { name, sha256, bytes } = await file.finish().catch(async (error: unknown) => {
    await file.discard();
    throw storageError(error);
  });
  const { sopClassUid, sopInstanceUid, seriesUid } = object;
  const uids = { sopClass: sopClassUid, sopInstance: sopInstanceUid, series: seriesUid };
  return { kind, of, part, ...uids, file: name, sha256, bytes };
}
