import { basename } from 'node:path';
import type { Logger } from '../../common/logging';
import { WatchedFile } from '../../common/watched-file';
import { readSite, SiteError } from '../../pacs-site/read-site';
import type { Site } from '../../pacs-site/schema';

/**
 * The site's YAML file, read again when it changes. A change that does not hold is refused as a whole: what was read before goes on.
 * @throws SiteError; errors of the file system as they are
 */
export async function openSite(path: string, log: Logger): Promise<WatchedFile<Site>> {
  let again = false;
  const parse = (text: string): Site => {
    const site = readSite(text, basename(path));
    if (again) log.info({ event: 'site-reloaded', rules: site.rules.length }, 'the file of the site was read again');
    again = true;
    return site;
  };
  return WatchedFile.open(path, parse, (err) => {
    const problems = err instanceof SiteError ? err.problems : [];
    log.error({ event: 'site-refused', err, problems }, 'the file of the site does not hold: the old one stays');
  });
}
