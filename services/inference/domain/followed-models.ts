import { LRUCache } from 'lru-cache';
import { AutomedError, type ErrorCode } from '../../common/errors';
import type { StoredModel } from '../../store';

/** What following needs of the models in memory. */
export interface Residents {
  resolve(reference: string): Promise<StoredModel>;
  isReady(stored: StoredModel): boolean;
  /** Loads a version and proves that it works; resolves when it can answer. */
  prepare(stored: StoredModel): Promise<void>;
  /** Takes a version out of memory once its requests are answered. */
  retire(stored: StoredModel): void;
  /** Hears that a reference now means something that cannot serve. */
  onHeldBack(reference: string, error: unknown): void;
}

export interface FollowOptions {
  /** How long the meaning of a reference is taken for granted, milliseconds. */
  ttlMs: number;
  now: () => number;
}

interface Followed {
  /** What answers. */
  serving: StoredModel;
  checkedAt: number;
  lastUse: number;
  /** Somebody asked to have it loaded, rather than to be answered by it. */
  asked: boolean;
  checking: Promise<void> | undefined;
  /** The version that is being loaded to take over. */
  moving: string | undefined;
  /** A version that could not take over, and when that was found. */
  failed: { key: string; at: number } | undefined;
}

/** A version that could not be loaded is tried again after this time, milliseconds. */
const RETRY_MS = 30_000;
/** A version stays in memory beside the one that took over while other references to it are in use, milliseconds. */
const LINGER_MS = 60_000;
/** References that are followed; those asked for last. */
const MAX_REFERENCES = 1000;
/** Errors that say that a reference means nothing any more, as against a version that cannot serve. */
const GONE: ReadonlySet<ErrorCode> = new Set(['NOT_FOUND', 'INVALID_ARGUMENT']);

export function keyOf({ manifest }: StoredModel): string {
  return `${manifest.name}@${manifest.version}:${manifest.weights.sha256}`;
}

/**
 * What references mean in this process. When `name` or `name@alias` comes to mean another version, the one in memory goes on
 * answering until the new one is loaded and proved; then the reference switches in one step and the old version, unless
 * others use it, leaves memory with its last request. A new version that cannot serve changes nothing.
 */
export class FollowedModels {
  private readonly followed = new LRUCache<string, Followed>({ max: MAX_REFERENCES });
  private readonly first = new Map<string, Promise<void>>();

  constructor(
    private readonly residents: Residents,
    private readonly options: FollowOptions,
  ) {}

  /** Makes sure that a reference means something and that its meaning is not older than the limit. */
  async settle(reference: string): Promise<void> {
    const entry = this.followed.get(reference);
    if (!entry) return this.meetFirst(reference);
    if (entry.checkedAt + this.options.ttlMs > this.options.now()) return;
    await this.check(reference, entry);
  }

  /** The version that answers now; to be used before anything else runs. Call settle() first. */
  serving(reference: string): StoredModel {
    const entry = this.followed.get(reference);
    if (!entry) throw new Error('settle() comes first');
    entry.lastUse = this.options.now();
    return entry.serving;
  }

  /** Whether a reference is answered from memory. */
  isInUse(reference: string): boolean {
    const entry = this.followed.peek(reference);
    return entry !== undefined && this.residents.isReady(entry.serving);
  }

  /** A version that was loaded on request takes over at once. */
  adopt(reference: string, stored: StoredModel): void {
    const entry = this.followed.get(reference) ?? this.add(reference, stored);
    entry.asked = true;
    entry.checkedAt = this.options.now();
    this.switchTo(entry, stored);
  }

  /** Looks again at everything that is in memory and may have moved. */
  async refresh(): Promise<void> {
    for (const [reference, entry] of [...this.followed.entries()]) {
      if (!this.residents.isReady(entry.serving)) continue;
      await this.settle(reference).catch((error: unknown) => this.residents.onHeldBack(reference, error));
    }
  }

  /** Versions or aliases changed: nothing is taken for granted. */
  forget(): void {
    for (const entry of this.followed.values()) {
      entry.checkedAt = -Infinity;
      entry.failed = undefined;
    }
  }

  /** A version leaves memory on request: nobody asks for it any more. */
  release(stored: StoredModel): void {
    for (const entry of this.followed.values()) if (keyOf(entry.serving) === keyOf(stored)) entry.asked = false;
  }

  private async meetFirst(reference: string): Promise<void> {
    const meeting =
      this.first.get(reference) ??
      this.residents
        .resolve(reference)
        .then((stored) => void this.add(reference, stored))
        .finally(() => this.first.delete(reference));
    this.first.set(reference, meeting);
    await meeting;
  }

  private add(reference: string, serving: StoredModel): Followed {
    const now = this.options.now();
    const rest = { checking: undefined, moving: undefined, failed: undefined };
    const entry: Followed = { serving, checkedAt: now, lastUse: now, asked: false, ...rest };
    this.followed.set(reference, entry);
    return entry;
  }

  private async check(reference: string, entry: Followed): Promise<void> {
    entry.checking ??= this.look(reference, entry).finally(() => (entry.checking = undefined));
    await entry.checking;
  }

  private async look(reference: string, entry: Followed): Promise<void> {
    const started = this.options.now();
    let stored: StoredModel;
    try {
      stored = await this.residents.resolve(reference);
    } catch (error) {
      // A store that cannot be read says nothing about what is in it.
      const gone = error instanceof AutomedError && GONE.has(error.code);
      if (gone || !this.residents.isReady(entry.serving)) {
        if (this.followed.peek(reference) === entry) this.followed.delete(reference);
        if (gone) this.retireUnlessInUse(entry.serving);
        throw error;
      }
      entry.checkedAt = started;
      this.residents.onHeldBack(reference, error);
      return;
    }
    entry.checkedAt = started;
    const key = keyOf(stored);
    if (key === entry.moving) return;
    entry.moving = undefined; // overtaken: moved back, or on, while it was being loaded
    if (key === keyOf(entry.serving)) return;
    if (this.residents.isReady(stored) || !this.residents.isReady(entry.serving)) {
      this.switchTo(entry, stored);
      return;
    }
    const { failed } = entry;
    if (failed?.key === key && failed.at + RETRY_MS > this.options.now()) return;
    void this.move(reference, entry, stored);
  }

  /** Loads the new version while the old one answers. */
  private async move(reference: string, entry: Followed, stored: StoredModel): Promise<void> {
    const key = keyOf(stored);
    entry.moving = key;
    try {
      await this.residents.prepare(stored);
      if (entry.moving === key) this.switchTo(entry, stored);
      else this.retireUnlessInUse(stored);
    } catch (error) {
      if (entry.moving === key) entry.failed = { key, at: this.options.now() };
      this.residents.onHeldBack(reference, error);
    } finally {
      if (entry.moving === key) entry.moving = undefined;
    }
  }

  /** For a version that a reference does not lead to any more: others may. */
  private retireUnlessInUse(stored: StoredModel): void {
    const key = keyOf(stored);
    const used = [...this.followed.values()].some(({ serving, moving }) => keyOf(serving) === key || moving === key);
    if (!used) this.residents.retire(stored);
  }

  private switchTo(entry: Followed, stored: StoredModel): void {
    const before = entry.serving;
    entry.serving = stored;
    entry.moving = undefined;
    entry.failed = undefined;
    if (keyOf(before) !== keyOf(stored) && !this.isWanted(before)) this.residents.retire(before);
  }

  private isWanted(stored: StoredModel): boolean {
    const key = keyOf(stored);
    const recent = this.options.now() - LINGER_MS;
    return [...this.followed.values()].some(
      (entry) => keyOf(entry.serving) === key && (entry.asked || entry.lastUse >= recent),
    );
  }
}
