// The site's YAML file, read again when it changes. A change that does not hold is refused as a whole: what was read before goes on.

import { readFileSync, watch, type FSWatcher } from 'node:fs';
import { basename, dirname } from 'node:path';
import type { Logger } from '../../common/logging';
import { afterMs, type Alarm } from '../../common/timers';
import { readSite, SiteError } from '../domain/site/read-site';
import type { Site } from '../domain/site/schema';

/** Editors write a file in several steps, milliseconds. */
const SETTLE_MS = 200;

/** What the file says now. */
export class SiteFile {
  private watcher: FSWatcher | undefined;
  private settling: Alarm | undefined;
  private site: Site;
  private text: string;

  /** @throws SiteError; errors of the file system as they are */
  constructor(
    private readonly path: string,
    private readonly log: Logger,
  ) {
    this.text = readFileSync(path, 'utf8');
    this.site = readSite(this.text, basename(path));
  }

  get current(): Site {
    return this.site;
  }

  /** Watches the folder: what replaces the file has another inode. */
  follow(): void {
    this.watcher = watch(dirname(this.path), (_, name) => {
      if (name !== null && name !== basename(this.path)) return;
      this.settling?.cancel();
      this.settling = afterMs(SETTLE_MS, () => this.reload(), { unref: true });
    });
    this.watcher.unref();
  }

  close(): void {
    this.settling?.cancel();
    this.watcher?.close();
  }

  private reload(): void {
    try {
      const text = readFileSync(this.path, 'utf8');
      if (text === this.text) return;
      this.site = readSite(text, basename(this.path));
      this.text = text;
      this.log.info({ event: 'site-reloaded', rules: this.site.rules.length }, 'the file of the site was read again');
    } catch (error) {
      const problems = error instanceof SiteError ? error.problems : [];
      this.log.error(
        { event: 'site-refused', err: error, problems },
        'the file of the site does not hold: the old one stays',
      );
    }
  }
}
