import type { MadeObject, StoredResult } from '../../analysis';
import type { Spool } from './spool';

/** Puts a result on the disk before anything is said of it. */
export async function storeResult(outbox: Spool, { kind, of, part, object }: MadeObject): Promise<StoredResult> {
  const file = await outbox.create(Buffer.alloc(0));
  file.write(object.bytes);
  const { name, sha256, bytes } = await file.finish();
  const { sopClassUid, sopInstanceUid, seriesUid } = object;
  const uids = { sopClass: sopClassUid, sopInstance: sopInstanceUid, series: seriesUid };
  return { kind, of, part, ...uids, file: name, sha256, bytes };
}
