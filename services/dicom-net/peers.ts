// Who may send. AE titles are compared as they are, without the spaces around them.

export interface Peer {
  /** AE title of the sender. */
  ae: string;
  /** Host that it must come from; absent: any. */
  address?: string | undefined;
  /** Common name of the certificate that it must show; absent: any, or none. */
  certificate?: string | undefined;
}

export interface Listener {
  /** AE titles under which the bridge can be called. */
  ownTitles: readonly string[];
  peers: readonly Peer[];
}

export type Admission = 'accepted' | 'calling-not-recognized' | 'called-not-recognized';

/** 127.0.0.1 as a dual-stack socket names it. */
function plain(address: string): string {
  return address.replace(/^::ffff:/i, '');
}

/** Whether a sender may associate. The reason for a wrong address is that of an unknown title: it says no more than needed. */
export function admit(
  listener: Listener,
  from: { calling: string; called: string; address: string; certificate?: string | undefined },
): Admission {
  if (!listener.ownTitles.includes(from.called.trim())) return 'called-not-recognized';
  const known = listener.peers.some(
    ({ ae, address, certificate }) =>
      ae === from.calling.trim() &&
      (address === undefined || plain(address) === plain(from.address)) &&
      (certificate === undefined || certificate === from.certificate),
  );
  return known ? 'accepted' : 'calling-not-recognized';
}
