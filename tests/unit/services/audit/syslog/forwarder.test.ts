// The trail by syslog, to receivers over real sockets.

import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer, type Server } from 'node:tls';
import pino from 'pino';
import { AuditForwarder, AuditLog, type AuditEvent, type SyslogTarget } from '../../../../../services/audit';
import { makeAuthority, type Authority } from '../../../../support/certificates';

const SENDER = { source: 'AUTOMED', host: 'bridge.example', program: 'automed-pacs', processId: 7 };
const NOW = new Date('2026-11-29T12:00:00.000Z');
const signal = new AbortController().signal;
const HEADER =
  /^<(85|84)>1 2026-11-\d\dT12:00:00\.000Z bridge\.example automed-pacs 7 DICOM\+RFC3881 - \ufeff<AuditMessage>/;

const event = (detail: string, outcome: AuditEvent['outcome'] = 'success'): AuditEvent => {
  return { action: 'steered', outcome, participants: [], detail };
};

/** Messages of a connection, by octet counting (RFC 5425). */
function unframed(bytes: Buffer): string[] {
  const messages: string[] = [];
  for (let at = 0; at < bytes.length;) {
    const space = bytes.indexOf(' ', at);
    const end = space + 1 + Number(bytes.toString('ascii', at, space));
    messages.push(bytes.toString('utf8', space + 1, end));
    at = end;
  }
  return messages;
}

const detailOf = (message: string): string => /<EventOutcomeDescription>([^<]*)/.exec(message)?.[1] ?? '';

let folder: string;
let ours: Authority;
let log: AuditLog;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'automed-syslog-'));
  ours = makeAuthority(folder);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A repository of audit messages that asks for certificates. */
class Repository {
  readonly received: string[] = [];
  private constructor(private readonly server: Server) {}

  static async open(port = 0): Promise<Repository> {
    const { certFile, keyFile } = ours.issue('repository', ['localhost']);
    const server = createServer({
      cert: readFileSync(certFile),
      key: readFileSync(keyFile),
      ca: readFileSync(ours.caFile),
      requestCert: true,
    });
    const repository = new Repository(server);
    server.on('secureConnection', (socket) => {
      const parts: Buffer[] = [];
      socket.on('data', (part: Buffer) => parts.push(part));
      socket.on('end', () => repository.received.push(...unframed(Buffer.concat(parts))));
      socket.on('error', () => undefined);
    });
    server.listen(port, 'localhost');
    await once(server, 'listening');
    return repository;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    this.server.close();
    await once(this.server, 'close');
  }
}

function forwarderTo(trail: string, target: SyslogTarget | undefined): AuditForwarder {
  const quiet = pino({ level: 'silent' });
  return new AuditForwarder({ folder: trail, sender: SENDER, target: () => target, log: quiet });
}

const trailOf = (): string => mkdtempSync(join(folder, 'trail-'));

describe('over TLS', () => {
  let repository: Repository;
  let target: SyslogTarget;
  let trail: string;
  beforeEach(async () => {
    repository = await Repository.open();
    const { certFile: cert, keyFile: key } = ours.issue('bridge', ['localhost']);
    const tls = { ca: ours.caFile, cert, key };
    target = { transport: 'tls', host: 'localhost', port: repository.port, tls };
    trail = trailOf();
    log = await AuditLog.open(trail, 'AUTOMED', Buffer.alloc(32));
  });
  afterEach(() => repository.close().catch(() => undefined));

  it('sends each event as RFC 5424 says, once, over restarts and days', async () => {
    await log.write(event('first'), NOW);
    await log.write(event('zweites ä', 'failure'), NOW);
    const before = forwarderTo(trail, target);
    await before.step(signal, NOW);
    await before.step(signal, NOW);
    await log.write(event('third'), new Date('2026-11-30T12:00:00.000Z'));
    await forwarderTo(trail, target).end();
    expect(repository.received.map(detailOf)).toEqual(['first', 'zweites ä', 'third']);
    for (const message of repository.received) expect(message).toMatch(HEADER);
    expect(repository.received.map((message) => message.slice(0, 4))).toEqual(['<85>', '<84>', '<85>']);
  });

  it('keeps what a receiver that is away did not get, and sends it in order afterwards', async () => {
    const { port } = repository;
    await repository.close();
    await log.write(event('first'), NOW);
    expect(await forwarderTo(trail, target).step(signal, NOW)).toBe(false);
    await log.write(event('second'), new Date('2026-12-02T12:00:00.000Z'));
    repository = await Repository.open(port);
    // Another process, days later.
    await forwarderTo(trail, target).step(signal, new Date('2026-12-02T12:00:00.000Z'));
    await forwarderTo(trail, target).end();
    expect(repository.received.map(detailOf)).toEqual(['first', 'second']);
  });

  it('takes nothing for sent that a receiver refused for its certificate', async () => {
    await log.write(event('first'), NOW);
    const stranger = { ...target, tls: { ca: ours.caFile } };
    expect(await forwarderTo(trail, stranger).step(signal, NOW)).toBe(false);
    const others = makeAuthority(trail, 'others').caFile;
    expect(await forwarderTo(trail, { ...target, tls: { ...target.tls, ca: others } }).step(signal, NOW)).toBe(false);
    expect(repository.received).toEqual([]);
    expect(await forwarderTo(trail, target).step(signal, NOW)).toBe(true);
    expect(repository.received.map(detailOf)).toEqual(['first']);
  });

  it('passes a line that was cut short, and loses none after it', async () => {
    await log.write(event('first'), NOW);
    const [file = ''] = readdirSync(trail).filter((name) => name.endsWith('.jsonl'));
    appendFileSync(join(trail, file), '{"time":"2026-11-29T12:00:00.000Z","id":"cu');
    const forwarder = forwarderTo(trail, target);
    await forwarder.step(signal, NOW);
    await log.write(event('second'), NOW);
    await forwarder.step(signal, NOW);
    expect(repository.received.map(detailOf)).toEqual(['first', 'second']);
  });
});

it('sends a datagram each by UDP', async () => {
  const socket = createSocket('udp4');
  const received: string[] = [];
  const both = new Promise<void>((resolve) => {
    socket.on('message', (bytes) => {
      if (received.push(bytes.toString('utf8')) === 2) resolve();
    });
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const trail = trailOf();
  log = await AuditLog.open(trail, 'AUTOMED', Buffer.alloc(32));
  await log.write(event('first'), NOW);
  await log.write(event('second'), NOW);
  const target = { transport: 'udp' as const, host: '127.0.0.1', port: socket.address().port };
  await forwarderTo(trail, target).step(signal, NOW);
  await both;
  socket.close();
  expect(received.map(detailOf)).toEqual(['first', 'second']);
  for (const message of received) expect(message).toMatch(HEADER);
});

it('sends nothing without a receiver', async () => {
  const trail = trailOf();
  log = await AuditLog.open(trail, 'AUTOMED', Buffer.alloc(32));
  await log.write(event('first'), NOW);
  expect(await forwarderTo(trail, undefined).step(signal, NOW)).toBe(false);
  expect(readdirSync(trail)).not.toContain('syslog.json');
});
