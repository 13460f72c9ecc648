import { readFile, stat } from 'node:fs/promises';
import { afterMs, type Alarm } from './timers';

const LOOK_MS = 2_000;

/**
 * What a file holds, read again when it changes. A change that cannot be read or does not hold keeps what was there before: a
 * slip in an editor must not lock everybody out, nor let anybody in.
 */
export class WatchedFile<T> {
  private alarm: Alarm | undefined;
  private version = '';

  private constructor(
    private readonly file: string,
    private readonly parse: (text: string) => T,
    private readonly onProblem: (error: Error) => void,
    private readonly lookMs: number,
    private current: T,
  ) {}

  /** @throws what parse() or the file system says of the first reading */
  static async open<T>(
    file: string,
    parse: (text: string) => T,
    onProblem: (error: Error) => void,
    lookMs = LOOK_MS,
  ): Promise<WatchedFile<T>> {
    const version = await versionOf(file);
    const watched = new WatchedFile(file, parse, onProblem, lookMs, parse(await readFile(file, 'utf8')));
    watched.version = version;
    watched.watch();
    return watched;
  }

  get value(): T {
    return this.current;
  }

  close(): void {
    this.alarm?.cancel();
  }

  private watch(): void {
    this.alarm = afterMs(this.lookMs, () => void this.look().then(() => this.watch()), { unref: true });
  }

  private async look(): Promise<void> {
    const version = await versionOf(this.file).catch(() => this.version);
    if (version === this.version) return;
    this.version = version;
    try {
      this.current = this.parse(await readFile(this.file, 'utf8'));
    } catch (error) {
      this.onProblem(error as Error);
    }
  }
}

/** Changes with the file; a Secret that Kubernetes mounts is replaced by a link to another folder. */
async function versionOf(file: string): Promise<string> {
  const { mtimeMs, ino, size } = await stat(file);
  return `${mtimeMs}:${ino}:${size}`;
}
