import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { automedError } from './errors';

/**
 * Path of the compiled entry of a thread; the file that asks runs from dist/, and from its source in tests.
 * @param entry below services/, e.g. `imaging/pixel-thread.js`
 * @throws IllegalStateError
 */
export function compiledThread(entry: string): string {
  const services = join(__dirname, '..');
  const places = [join(services, entry), join(services, '..', 'dist', 'services', entry)];
  const found = places.find((place) => existsSync(place));
  if (found !== undefined) return found;
  throw automedError('ILLEGAL_STATE', `${entry} is missing; run 'npm run build'.`);
}
