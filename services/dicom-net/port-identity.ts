// The certificate that a port shows, and the authorities of those who may connect; both are read again when their files change.

import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { TLSSocket, type Server as TlsServer, type TlsOptions } from 'node:tls';
import { watchIdentity } from '../common/grpc/tls';
import type { Logger } from '../common/logging';
import type { PortTls } from './tls-files';

/** What DICOM asks for (PS3.15, B.12): TLS 1.2 at least. */
export const LEAST_TLS = 'TLSv1.2';

/** @throws Error that names the file which cannot be read */
export function portTls({ cert, key, client_ca: ca }: PortTls): TlsOptions {
  const mutual = ca === undefined ? {} : { ca: readFileSync(ca), requestCert: true, rejectUnauthorized: true };
  return { cert: readFileSync(cert), key: readFileSync(key), minVersion: LEAST_TLS, ...mutual };
}

/** Shows what the files hold from now on; what does not hold is not shown. @returns what ends it */
export function followFiles(files: PortTls, server: Pick<TlsServer, 'setSecureContext'>, log: Logger): () => void {
  const { cert: certFile, key: keyFile, client_ca: caFile } = files;
  return watchIdentity(
    { certFile, keyFile, caFile },
    (identity) => server.setSecureContext({ minVersion: LEAST_TLS, ...identity }),
    { onProblem: (err) => log.error({ event: 'tls-files', err }, 'certificates changed and do not hold') },
  );
}

/** Common name in the certificate that the other side showed and that was verified; undefined without one. */
export function certificateName(socket: Socket): string | undefined {
  if (!(socket instanceof TLSSocket) || !socket.authorized) return undefined;
  const name: string | string[] | undefined = socket.getPeerCertificate().subject?.CN;
  return Array.isArray(name) ? undefined : name;
}
