// PEM files of TLS.

/** Of a port; with `client_ca` only those may connect who show a certificate of these authorities (mutual TLS). */
export interface PortTls {
  cert: string;
  key: string;
  client_ca?: string | undefined;
}

/** Towards another side, whose certificate must be of these authorities. */
export interface PeerTls {
  ca: string;
  /** Our own, for those who ask for it. */
  cert?: string | undefined;
  key?: string | undefined;
  /** Name in the other side's certificate, where it is not the host. */
  name?: string | undefined;
}
