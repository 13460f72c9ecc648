import { stat } from 'node:fs/promises';
import { sha256OfFile } from './versions';

/** Files whose content was compared with its sha256; one that has not changed since (size, time, inode) is not read again. */
export class VerifiedFiles {
  private readonly states = new Map<string, string>();

  /** Whether a file has this content; rejects when it cannot be read. */
  async check(path: string, { sha256, bytes }: { sha256: string; bytes?: number }): Promise<boolean> {
    const { size, state } = await stateOf(path, sha256);
    if (bytes !== undefined && size !== BigInt(bytes)) return false;
    if (this.states.get(path) === state) return true;
    if ((await sha256OfFile(path)) !== sha256) return false;
    this.states.set(path, state);
    return true;
  }

  /** Takes a file for verified whose times or name were changed since check(). */
  async renew(path: string, sha256: string): Promise<void> {
    this.states.set(path, (await stateOf(path, sha256)).state);
  }

  forget(path: string): void {
    this.states.delete(path);
  }
}

async function stateOf(path: string, sha256: string): Promise<{ size: bigint; state: string }> {
  const { size, mtimeNs, ctimeNs, ino } = await stat(path, { bigint: true });
  return { size, state: [size, mtimeNs, ctimeNs, ino, sha256].join(':') };
}
