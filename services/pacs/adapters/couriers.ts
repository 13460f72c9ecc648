import type { Courier } from '../domain/delivery';
import type { Destination, Site } from '../domain/site/schema';
import { StowCourier } from './dicomweb/stow-courier';
import { StoreScu } from './dimse/store-scu';
import { FolderCourier } from './folder-courier';

/** Who takes objects to a destination. @param password of a variable's name */
export function courierTo(
  destination: Destination,
  site: Site,
  password: (name: string | undefined) => string | undefined,
): Courier {
  const timeoutMs = site.delivery.timeout_seconds * 1000;
  switch (destination.kind) {
    case 'dicom': {
      const { host, port, ae, calling_ae, tls } = destination;
      return new StoreScu({
        host,
        port,
        calledAe: ae,
        callingAe: calling_ae ?? site.ae_title[0] ?? '',
        timeoutMs,
        tls,
      });
    }
    case 'dicomweb': {
      const { url, user, password_from, tls } = destination;
      return new StowCourier({ url, user, password: password(password_from), timeoutMs, tls });
    }
    case 'folder':
      return new FolderCourier(destination.path);
  }
}
