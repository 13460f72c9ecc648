// Who is asked for objects that an archive has.

import { automedError } from '../../common/errors';
import type { Logger } from '../../common/logging';
import type { WebService } from '../../dicomweb/client';
import type { Archive } from '../domain/pull';
import type { CalledAe } from '../../dicom-net/association-scu';
import type { DicomDestination, Site, WebDestination } from '../../pacs-site/schema';
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
export function archiveNamed(name: string, by: 'get' | 'move', deps: ArchiveDeps): Archive {
  const { destinations } = deps.site;
  const destination = Object.hasOwn(destinations, name) ? destinations[name] : undefined;
  if (!destination) throw automedError('NOT_FOUND', `The site has no destination "${name}".`, { field: 'archive' });
  if (destination.kind === 'folder') {
    const text = `"${name}" is a folder, of which nothing can be asked.`;
    throw automedError('INVALID_ARGUMENT', text, { field: 'archive' });
  }
  return archiveOf(destination, name, by, deps);
}

export function archiveOf(
  destination: DicomDestination | WebDestination,
  name: string,
  by: 'get' | 'move',
  deps: ArchiveDeps,
): Archive {
  const { site, receiver, log } = deps;
  if (destination.kind === 'dicom') return new DimseArchive({ target: targetOf(destination, site), receiver, log, by });
  const service = serviceOf(destination, deps);
  return new WebArchive({ service, receiver, source: { calling: name.slice(0, 16), called: site.ae_title[0] ?? '' } });
}

/** How a destination that speaks DICOM is called. */
export function targetOf({ host, port, ae, calling_ae, tls }: DicomDestination, site: Site): CalledAe {
  const timeoutMs = site.delivery.timeout_seconds * 1000;
  return { host, port, calledAe: ae, callingAe: calling_ae ?? site.ae_title[0] ?? '', timeoutMs, tls };
}

/** How a destination that speaks DICOMweb is called. */
export function serviceOf(
  { url, user, password_from, tls }: WebDestination,
  { site, password }: Pick<ArchiveDeps, 'site' | 'password'>,
): WebService {
  return { url, user, password: password(password_from), timeoutMs: site.delivery.timeout_seconds * 1000, tls };
}
