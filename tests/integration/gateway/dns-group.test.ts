// A name with several addresses, as a headless Service has: real servers on addresses of the loopback network.

import { DnsGroup } from '../../../services/gateway/adapters/dns-group';
import { routesSchema } from '../../../services/gateway/domain/routes';
import { startServer, eventually, type TestServer } from '../../support/grpc';
import { startProgram } from '../../support/stack';
import { parseAddress } from '../../../services/common/address';
import { healthClient } from '../../support/health';

const SERVICE = 'automed.segmentation.v1.SegmentationService';
const cleanUp: (() => unknown)[] = [];
afterEach(async () => {
  for (const task of cleanUp.splice(0).reverse()) await task();
});

/** Servers of one port on several addresses. */
async function startMembers(hosts: readonly string[]): Promise<{ port: number; members: TestServer[] }> {
  const members: TestServer[] = [];
  let port = 0;
  for (const host of hosts) {
    const member = await startServer(() => [], { address: `${host}:${port}` });
    member.health.set(SERVICE, 'SERVING');
    port = parseAddress(member.address).port;
    members.push(member);
    cleanUp.push(() => member.server.drain(0));
  }
  return { port, members };
}

const HOSTS = ['127.0.0.1', '127.0.0.2', '127.0.0.3'];

async function startGroup(): Promise<{
  group: DnsGroup;
  members: TestServer[];
  dns: { addresses: string[] | Error };
  used: () => Set<string>;
}> {
  const { port, members } = await startMembers(HOSTS);
  const dns: { addresses: string[] | Error } = { addresses: HOSTS };
  const resolve = async (host: string): Promise<string[]> => {
    expect(host).toBe('automed-segmentation');
    if (dns.addresses instanceof Error) throw dns.addresses;
    return dns.addresses;
  };
  const name = `dns:automed-segmentation:${port}`;
  const group = new DnsGroup(name, [SERVICE], {}, () => undefined, { resolve, refreshMs: 20 });
  cleanUp.push(() => group.close());
  await eventually(() => group.isKnown && group.isHealthy(SERVICE));
  const used = (): Set<string> =>
    new Set(Array.from({ length: 12 }, () => parseAddress(group.channel(SERVICE)?.address ?? ':0').host));
  await eventually(() => used().size === HOSTS.length);
  return { group, members, dns, used };
}

test('calls take turns over every address of the name', async () => {
  const { group } = await startGroup();
  const hosts = Array.from({ length: 6 }, () => group.channel(SERVICE)?.address);
  expect(hosts.slice(3)).toEqual(hosts.slice(0, 3));
  expect(new Set(hosts).size).toBe(3);
});

test('a member that is not ready gets no call, and the others go on', async () => {
  const { members, used, group } = await startGroup();
  members[1]?.health.set(SERVICE, 'NOT_SERVING');
  await eventually(() => !used().has('127.0.0.2'));
  expect(used()).toEqual(new Set(['127.0.0.1', '127.0.0.3']));
  members[1]?.health.set(SERVICE, 'SERVING');
  await eventually(() => used().has('127.0.0.2'));
  for (const member of members) member.health.set(SERVICE, 'NOT_SERVING');
  await eventually(() => !group.isHealthy(SERVICE));
});

test('members come and go with the name, and stay while it cannot be looked up', async () => {
  const { dns, used } = await startGroup();
  dns.addresses = ['127.0.0.3'];
  await eventually(() => used().size === 1);
  expect(used()).toEqual(new Set(['127.0.0.3']));
  dns.addresses = new Error('SERVFAIL');
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(used()).toEqual(new Set(['127.0.0.3']));
  dns.addresses = ['127.0.0.1', '127.0.0.3'];
  await eventually(() => used().size === 2);
});

test('the gateway reaches what a name leads to, and says so in its health', async () => {
  const { port } = await startMembers(['127.0.0.1']);
  const gateway = await startProgram('gateway', {
    AUTOMED_SEGMENTATION_BACKENDS: `dns:localhost:${port}`,
    AUTOMED_CLASSIFICATION_BACKENDS: ',',
    AUTOMED_TRAINING_BACKENDS: ',',
  });
  cleanUp.push(() => gateway.stop());
  const { check, close } = healthClient(gateway.address);
  cleanUp.push(close);
  expect(await check(SERVICE)).toBe('SERVING');
});

test('a malformed name is refused', () => {
  for (const address of ['dns:automed', 'dns:', 'dns:a:b:c', 'dns:unix:/tmp/x']) {
    expect(routesSchema.safeParse({ rules: [{ backends: [address] }] }).error?.issues[0]?.message).toContain(
      'must be dns:HOST:PORT',
    );
  }
});
