import type { ReidentificationMap } from '../../deidentification';
import type { CommitmentReports } from '../../dicom-net/commitment';
import type { Courier } from '../domain/delivery';
import type { Destination } from '../../pacs-site/schema';
import { archiveOf, serviceOf, targetOf, type ArchiveDeps } from './archives';
import { DeidentifyingCourier } from './deidentifying-courier';
import { StowCourier } from './dicomweb/stow-courier';
import { StoreScu } from './dimse/store-scu';
import { FolderCourier } from './folder-courier';
import { byCommitment, byQuery, ProvenCourier, type Proof } from './proven-courier';

export interface CourierDeps extends ArchiveDeps {
  /** Of storage commitment, as they come to the port that receives. */
  reports: CommitmentReports;
  /** Who the pseudonyms stand for that leave the trust domain. */
  identities: ReidentificationMap;
}

/** Who takes objects to a destination. */
export function courierTo(destination: Destination, deps: CourierDeps): Courier {
  const courier = senderTo(destination, deps);
  const proof = proofOf(destination, deps);
  const proven = proof ? new ProvenCourier(courier, proof, deps.log) : courier;
  const { deidentify } = destination;
  return deidentify ? new DeidentifyingCourier(proven, deidentify, deps.identities) : proven;
}

function senderTo(destination: Destination, deps: CourierDeps): Courier {
  switch (destination.kind) {
    case 'dicom':
      return new StoreScu(targetOf(destination, deps.site));
    case 'dicomweb':
      return new StowCourier(serviceOf(destination, deps));
    case 'folder':
      return new FolderCourier(destination.path);
  }
}

function proofOf(destination: Destination, deps: CourierDeps): Proof | undefined {
  if (destination.kind === 'folder' || destination.proof === 'none') return undefined;
  if (destination.proof === 'commitment') return byCommitment(targetOf(destination, deps.site), deps.reports);
  return byQuery(archiveOf(destination, 'proof', 'get', deps), deps.site.delivery.timeout_seconds * 1000);
}
