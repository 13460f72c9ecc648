import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../native/lib/installation';

export { addonPath, buildAdvice, isCheckout, packageRoot } from '../../native/lib/installation';

export function packageVersion(): string {
  const manifest = JSON.parse(readFileSync(join(packageRoot(), 'package.json'), 'utf8')) as { version: string };
  return manifest.version;
}
