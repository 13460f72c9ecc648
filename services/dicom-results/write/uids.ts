import { createHash } from 'node:crypto';

/**
 * A UID under 2.25 (PS3.5 B.2) that follows from its parts: the same parts give the same UID, others another one. Parts are told apart
 * by their lengths.
 */
export function uidOf(...parts: readonly (string | Uint8Array)[]): string {
  const hash = createHash('sha256');
  for (const part of parts) {
    const bytes = typeof part === 'string' ? Buffer.from(part) : part;
    hash.update(`${bytes.length}:`);
    hash.update(bytes);
  }
  const uuid = hash.digest().subarray(0, 16);
  // Version 8 of RFC 9562: made by a rule of the program's own.
  uuid.writeUInt8((uuid.readUInt8(6) & 0x0f) | 0x80, 6);
  uuid.writeUInt8((uuid.readUInt8(8) & 0x3f) | 0x80, 8);
  return `2.25.${BigInt(`0x${uuid.toString('hex')}`)}`;
}

/** Told apart from other programs' objects by this UID. */
export const IMPLEMENTATION_CLASS_UID = uidOf('automed', 'implementation class');
/** At most 16 characters. */
export const IMPLEMENTATION_VERSION = 'AUTOMED';
