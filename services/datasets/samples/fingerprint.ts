import { createHash } from 'node:crypto';

/** Of the lines that name classes and used samples, whatever their order. */
export function fingerprintOf(lines: readonly string[]): string {
  return createHash('sha256')
    .update([...lines].sort().join('\n'))
    .digest('hex');
}
