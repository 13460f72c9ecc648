// Keys of programs that call: `amk_ID_SECRET`. The file holds digests only, so that who reads it cannot call.

import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';

const keySchema = z
  .object({
    /** Public part of the key. */
    id: z.string().regex(/^[a-z0-9]{8}$/),
    /** Whom it was made for, e.g. `pacs-bridge`. */
    name: z.string().min(1).max(200),
    /** SHA-256 of the whole key, hexadecimal. The secret has 256 random bits, so a slow hash would add nothing. */
    sha256: z.string().regex(/^[0-9a-f]{64}$/),
    roles: z.array(z.string().min(1)).min(1),
    created: z.iso.datetime(),
    /** From when on it is refused; absent: never. */
    expires: z.iso.datetime().optional(),
    revoked: z.iso.datetime().optional(),
  })
  .strict();
const fileSchema = z.object({ keys: z.array(keySchema) }).strict();

export type ApiKey = z.infer<typeof keySchema>;

export const KEY_PREFIX = 'amk_';
const KEY = /^amk_([a-z0-9]{8})_[A-Za-z0-9_-]{43}$/;

const digest = (key: string): Buffer => createHash('sha256').update(key).digest();

/** @throws Error with one sentence on what is wrong */
export function parseKeys(text: string): ApiKey[] {
  const parsed = fileSchema.safeParse(JSON.parse(text));
  if (parsed.success) return parsed.data.keys;
  const [issue] = parsed.error.issues;
  throw new Error(`${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'is no file of keys'}`);
}

export function formatKeys(keys: readonly ApiKey[]): string {
  return `${JSON.stringify({ keys }, null, 2)}\n`;
}

/** A new key: what to hand out, which is kept nowhere, and its entry. */
export function createKey(
  name: string,
  roles: readonly string[],
  { now = new Date(), expires }: { now?: Date; expires?: Date | undefined } = {},
): { key: string; entry: ApiKey } {
  const id = randomBytes(5).toString('hex').slice(0, 8);
  const key = `${KEY_PREFIX}${id}_${randomBytes(32).toString('base64url')}`;
  const entry: ApiKey = {
    id,
    name,
    sha256: digest(key).toString('hex'),
    roles: [...roles],
    created: now.toISOString(),
    ...(expires === undefined ? {} : { expires: expires.toISOString() }),
  };
  return { key, entry: keySchema.parse(entry) };
}

/** The entry of a key that is valid now. */
export function findKey(keys: readonly ApiKey[], key: string, now = new Date()): ApiKey | undefined {
  const id = KEY.exec(key)?.[1];
  const entry = keys.find((each) => each.id === id);
  if (!entry || !timingSafeEqual(digest(key), Buffer.from(entry.sha256, 'hex'))) return undefined;
  if (entry.revoked !== undefined) return undefined;
  return entry.expires !== undefined && new Date(entry.expires) <= now ? undefined : entry;
}
