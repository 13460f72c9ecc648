// Who is asked for objects that an archive has.

import { automedError } from '../../common/errors';
import type { Logger } from '../../common/logging';
import type { Archive } from '../domain/pull';
import type { Site } from '../domain/site/schema';
import { WebArchive } from './dicomweb/web-archive';
import { DimseArchive } from './dimse/dimse-archive';
import type { Receiver } from './receiver';

export interface ArchiveDeps {
  site: Site;
  receiver: Receiver;
  /** Of a variable's name. */
  password: (name: string | undefined) => string | undefined;
  log: Logger;
}

/**
 * @param name of one of the site's destinations
 * @param by how a DICOM archive sends; of one that speaks DICOMweb it is ignored
 * @throws AutomedError when there is none of that name, or it is a folder
 */
export function archiveNamed(
  name: string,
  by: 'get' | 'move',
  { site, receiver, password, log }: ArchiveDeps,
): Archive {
  const destination = Object.hasOwn(site.destinations, name) ? site.destinations[name] : undefined;
  const own = site.ae_title[0] ?? '';
  const timeoutMs = site.delivery.timeout_seconds * 1000;
  switch (destination?.kind) {
    case 'dicom': {
      const { host, port, ae, calling_ae, tls } = destination;
      const target = { host, port, calledAe: ae, callingAe: calling_ae ?? own, timeoutMs, tls };
      return new DimseArchive({ target, receiver, log, by });
    }
    case 'dicomweb': {
      const { url, user, password_from, tls } = destination;
      const service = { url, user, password: password(password_from), timeoutMs, tls };
      return new WebArchive({ service, receiver, source: { calling: name.slice(0, 16), called: own } });
    }
    case 'folder':
      throw automedError('INVALID_ARGUMENT', `"${name}" is a folder, of which nothing can be asked.`, {
        field: 'archive',
      });
    case undefined:
      throw automedError('NOT_FOUND', `The site has no destination "${name}".`, { field: 'archive' });
  }
}
