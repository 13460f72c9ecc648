// Certificates of a test's own authority, made by openssl.

import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Authority {
  /** PEM file of its certificate. */
  caFile: string;
  /** Makes files `NAME.pem` and `NAME.key` for these hosts, over what is there. */
  issue(name: string, hosts: readonly string[]): { certFile: string; keyFile: string };
}

const openssl = (...args: string[]): void => {
  execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'pipe'] });
};
const EC = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

/** Makes an authority whose files are in `folder`. */
export function makeAuthority(folder: string, name = 'ca'): Authority {
  const [caFile, caKey] = [join(folder, `${name}.pem`), join(folder, `${name}.key`)];
  openssl('req', '-x509', ...EC, '-keyout', caKey, '-out', caFile, '-days', '2', '-subj', `/CN=${name}`);
  return {
    caFile,
    issue: (subject, hosts) => {
      const [certFile, keyFile] = [join(folder, `${subject}.pem`), join(folder, `${subject}.key`)];
      const [request, extensions] = [join(folder, `${subject}.csr`), join(folder, `${subject}.ext`)];
      const names = hosts.map((host) => (/^[\d.]+$/.test(host) ? `IP:${host}` : `DNS:${host}`));
      writeFileSync(extensions, `subjectAltName=${names.join(',')}\n`);
      openssl('req', '-new', ...EC, '-keyout', keyFile, '-out', request, '-subj', `/CN=${subject}`);
      openssl(
        ...['x509', '-req', '-in', request, '-CA', caFile, '-CAkey', caKey, '-CAcreateserial'],
        ...['-out', certFile, '-days', '2', '-extfile', extensions],
      );
      return { certFile, keyFile };
    },
  };
}
