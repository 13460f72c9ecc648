// Each program's gRPC port, with the settings of TLS that all of them have.

import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { setTimeout as sleep } from 'node:timers/promises';
import { channelCredentials } from '../../../services/common/grpc/tls';
import { ModelStore } from '../../../services/store';
import { makeAuthority } from '../../support/certificates';
import { temporaryFolder } from '../../support/data';
import { healthClient } from '../../support/health';
import { startProgram } from '../../support/stack';

jest.setTimeout(180_000);

const folder = temporaryFolder();

/** Serial number of the certificate that a port shows. */
async function shown(address: string, files: { ca: Buffer; cert: Buffer; key: Buffer }): Promise<string> {
  const [host = '', port = ''] = address.split(':');
  const socket = connect({ host, port: Number(port), ...files, ALPNProtocols: ['h2'] });
  await once(socket, 'secureConnect');
  const { serialNumber } = socket.getPeerCertificate();
  socket.destroy();
  return serialNumber;
}

describe.each(['gateway', 'inference', 'training', 'pacs'])('%s', (name) => {
  test('speaks mutual TLS alone, and shows a renewed certificate without a restart', async () => {
    const home = join(folder, name);
    await ModelStore.open(home);
    writeFileSync(join(home, 'pacs.yaml'), 'ae_title: AUTOMED\n');
    const authority = makeAuthority(home);
    const own = authority.issue('server', ['127.0.0.1', 'localhost']);
    const client = authority.issue('client', ['localhost']);
    const program = await startProgram(name, {
      AUTOMED_TLS_CERT_FILE: own.certFile,
      AUTOMED_TLS_KEY_FILE: own.keyFile,
      AUTOMED_TLS_CLIENT_CA_FILE: authority.caFile,
      AUTOMED_HOME: home,
      AUTOMED_PACS_SITE: join(home, 'pacs.yaml'),
      AUTOMED_PACS_HOME: join(home, 'pacs'),
      AUTOMED_PACS_PORT: '0',
    });
    try {
      const plain = healthClient(program.address);
      expect(await plain.check('')).toBe('UNAVAILABLE');
      plain.close();
      const ask = async (files: Parameters<typeof channelCredentials>[0]): Promise<string> => {
        const health = healthClient(program.address, channelCredentials(files));
        const answer = await health.check('');
        health.close();
        return answer;
      };
      expect(await ask({ caFile: authority.caFile })).toBe('UNAVAILABLE');
      // A gateway without backends answers that it serves nobody.
      expect(['SERVING', 'NOT_SERVING']).toContain(await ask({ caFile: authority.caFile, ...client }));

      const [ca, cert, key] = [authority.caFile, client.certFile, client.keyFile].map((file) => readFileSync(file)) as [
        Buffer,
        Buffer,
        Buffer,
      ];
      const before = await shown(program.address, { ca, cert, key });
      authority.issue('server', ['127.0.0.1', 'localhost']);
      while ((await shown(program.address, { ca, cert, key })) === before) await sleep(500);
    } finally {
      await program.stop();
    }
  });
});
