// The audit trail at a real receiver of syslog: rsyslog takes it over TLS with certificates on both sides, and by UDP.

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { auditXml, type TimedEvent } from '../../../services/audit';
import { Rsyslog, whyNoRsyslog } from '../../support/rsyslog';
import { writeSite } from './demo/parts';
import { BRIDGE, Platform, until, withArchive } from './platform';

const why = whyNoRsyslog();
if (why !== undefined) process.stderr.write(`SKIPPED: the audit trail by syslog needs ${why}\n`);

(why === undefined ? withArchive : describe.skip)('the audit trail by syslog', () => {
  let platform: Platform;
  let rsyslog: Rsyslog;
  let site: string;
  beforeAll(async () => {
    platform = await Platform.start(writeTo);
  });
  afterAll(async () => {
    await platform?.stop();
    await rsyslog?.down();
  });

  function writeTo(folder: string, orthanc: Platform['orthanc']): string {
    site = writeSite(folder, orthanc, BRIDGE, 'lesion');
    return site;
  }

  function forwardBy(how: string): void {
    const text = readFileSync(site, 'utf8').replace(/^audit:.*\n/m, '');
    writeFileSync(site, `${text}audit: { syslog: ${how} }\n`);
  }

  /** What the trail on the disk has, as messages. */
  function told(): string[] {
    const folder = join(platform.folder, 'pacs', 'audit');
    const files = readdirSync(folder).filter((name) => name.endsWith('.jsonl'));
    const lines = files.flatMap((name) => readFileSync(join(folder, name), 'utf8').trim().split('\n'));
    return lines.map((line) => {
      const { time, ...event } = JSON.parse(line) as Omit<TimedEvent, 'time'> & { time: string };
      return auditXml({ ...event, time: new Date(time) }, BRIDGE);
    });
  }

  const messages = (): string[] => rsyslog.received().map((line) => line.slice(line.indexOf('<AuditMessage>')));

  async function send(study: string): Promise<void> {
    platform.send(study);
    await until('the study', () => platform.settled(study));
  }

  async function all(): Promise<void> {
    await until('every event at the receiver', () => {
      const arrived = messages();
      return told().every((message) => arrived.includes(message));
    });
  }

  it('arrives whole over TLS, with what happened while the receiver was away', async () => {
    rsyslog = await Rsyslog.start(join(platform.folder, 'rsyslog'));
    const { certFile, keyFile } = rsyslog.authority.issue('bridge', ['localhost']);
    const tls = `{ ca: ${rsyslog.authority.caFile}, cert: ${certFile}, key: ${keyFile} }`;
    forwardBy(`{ transport: tls, host: 127.0.0.1, port: ${rsyslog.tlsPort}, tls: ${tls} }`);
    await send('1.2.826.0.1.92.1');
    await all();
    await rsyslog.down();
    await send('1.2.826.0.1.92.2');
    await until('an attempt', () => platform.bridge.lines.some(({ event }) => event === 'audit-unsent'));
    await platform.killBridge();
    await rsyslog.up();
    await all();
    const [first = ''] = rsyslog.received();
    // Facility, severity, version, host, program, process, message ID, structured data: as rsyslog reads them.
    expect(first).toMatch(/^85 1 \S+ automed-pacs \d+ DICOM\+RFC3881 - \ufeff?<AuditMessage>/);
    // At least once: what was under way when the bridge was killed may be there twice, nothing else.
    process.stdout.write(`audit events: ${told().length} on the disk, ${messages().length} at rsyslog over TLS\n`);
  });

  it('arrives by UDP, once the site says so', async () => {
    forwardBy(`{ transport: udp, host: 127.0.0.1, port: ${rsyslog.udpPort} }`);
    await until('the site is read again', () => platform.bridge.lines.some(({ event }) => event === 'site-reloaded'));
    const before = rsyslog.received().length;
    await send('1.2.826.0.1.92.3');
    await all();
    expect(rsyslog.received().length).toBeGreaterThan(before);
  });
});
