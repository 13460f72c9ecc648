// The trail on the disk: JSON lines, and DICOM audit messages that another program reads.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AuditLog, type AuditEvent } from '../../../../services/audit';

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'automed-audit-'))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const NOW = new Date('2026-11-29T12:00:00Z');
const read = (name: string): string => readFileSync(join(folder, name), 'utf8');

/** The messages of a file as Python's XML reader has them: element, attributes, children. */
const READ = `
import json, sys
import xml.etree.ElementTree as tree
def plain(e): return [e.tag, e.attrib, (e.text or ''), [plain(c) for c in e]]
print(json.dumps([plain(tree.fromstring(line)) for line in open(sys.argv[1], encoding='utf8')]))
`;
type Element = [tag: string, attributes: Record<string, string>, text: string, children: Element[]];

function messages(): Element[] {
  const { stdout, stderr } = spawnSync('python3', ['-c', READ, join(folder, 'audit-2026-11-29.xml')], {
    encoding: 'utf8',
  });
  if (stderr !== '') throw new Error(stderr);
  return JSON.parse(stdout) as Element[];
}

const EVENT: AuditEvent = {
  action: 'analysed',
  outcome: 'success',
  participants: [
    { id: 'automed-pacs', role: 'application', isRequestor: true },
    { id: 'liver@3', alternative: `sha256:${'a1'.repeat(32)}`, role: 'model', isRequestor: false },
  ],
  detail: 'rule "liver" & <others>',
};

it('names patients and studies by keyed hashes alone', async () => {
  const log = await AuditLog.open(folder, 'AUTOMED', Buffer.alloc(32, 1));
  const other = await AuditLog.open(folder, 'AUTOMED', Buffer.alloc(32, 2));
  const study = { number: 7, study: '1.2.3', patient: 'SECRET-ID' };
  await log.write({ ...EVENT, study: log.studyOf(study) }, NOW);
  const written = readdirSync(folder).map(read).join('');
  expect(written).not.toContain('SECRET-ID');
  expect(written).not.toContain('1.2.3"');
  expect(log.studyOf(study)).toEqual(log.studyOf(study));
  expect(log.studyOf(study).patient).not.toBe(other.studyOf(study).patient);
  expect(log.studyOf(study).patient).not.toBe(log.studyOf(study).study);
});

it('writes an event as a JSON line, and as a message of PS3.15 A.5', async () => {
  const log = await AuditLog.open(folder, 'AUTOMED', Buffer.alloc(32));
  const study = log.studyOf({ number: 7, study: '1.2.3', patient: 'P' });
  await log.write({ ...EVENT, study, objects: [{ sopClass: '1.2.840.10008.5.1.4.1.1.2', count: 300 }] }, NOW);
  const [line] = read('audit-2026-11-29.jsonl').trim().split('\n');
  expect(JSON.parse(line ?? '')).toMatchObject({ action: 'analysed', time: NOW.toISOString(), study: { number: 7 } });

  const [message] = messages();
  const [tag, , , children] = message ?? ['', {}, '', []];
  expect(tag).toBe('AuditMessage');
  // The order is that of the schema.
  expect(children.map(([name]) => name)).toEqual([
    'EventIdentification',
    'ActiveParticipant',
    'ActiveParticipant',
    'AuditSourceIdentification',
    'ParticipantObjectIdentification',
    'ParticipantObjectIdentification',
  ]);
  const [event, , model, source, object] = children;
  expect(event?.[1]).toEqual({
    EventActionCode: 'R',
    EventDateTime: '2026-11-29T12:00:00.000Z',
    EventOutcomeIndicator: '0',
  });
  expect(event?.[3][0]?.slice(0, 2)).toEqual([
    'EventID',
    { 'csd-code': '110103', codeSystemName: 'DCM', originalText: 'DICOM Instances Accessed' },
  ]);
  expect(event?.[3][1]?.[2]).toBe('rule "liver" & <others>');
  expect(model?.[1]).toMatchObject({ UserID: 'liver@3', AlternativeUserID: `sha256:${'a1'.repeat(32)}` });
  expect(source?.[1]).toEqual({ AuditSourceID: 'AUTOMED' });
  expect(source?.[3]).toEqual([['AuditSourceTypeCode', { 'csd-code': '4' }, '', []]]);
  expect(object?.[3].at(-1)?.[3][0]?.[1]).toEqual({ UID: '1.2.840.10008.5.1.4.1.1.2', NumberOfInstances: '300' });
});

it('writes text that no XML has, and keeps to one line', async () => {
  const log = await AuditLog.open(folder, 'AUTOMED', Buffer.alloc(32));
  const source = { id: 'EVIL\n<AuditMessage>\u0001', address: '::1', role: 'source' as const, isRequestor: true };
  await log.write({ action: 'refused', outcome: 'failure', participants: [source] }, NOW);
  expect(messages()[0]?.[3][1]?.[1]['UserID']).toBe('EVIL?<AuditMessage>?');
  expect(read('audit-2026-11-29.jsonl').trim().split('\n')).toHaveLength(1);
});

it('counts what somebody repeats, instead of filling the disk', async () => {
  const log = await AuditLog.open(folder, 'AUTOMED', Buffer.alloc(32));
  const event = (at: number): AuditEvent => {
    const source = { id: `NAME${at}`, role: 'source' as const, isRequestor: true };
    return { action: 'refused', outcome: 'failure', participants: [source] };
  };
  // All at once: none waits for the disk before the next comes.
  const times = Array.from({ length: 1000 }, (_, at) => at);
  await Promise.all(times.map((at) => log.writeCounted(event(at), '10.0.0.1 unknown', NOW.getTime() + at)));
  await log.flush(NOW.getTime() + 120_000);
  const lines = readdirSync(folder)
    .filter((name) => name.endsWith('.jsonl'))
    .flatMap((name) => read(name).trim().split('\n'))
    .map((line) => JSON.parse(line) as { count?: number });
  expect(lines.map(({ count }) => count)).toEqual([undefined, 999]);
});

it('counts together what comes from more places than it keeps apart', async () => {
  const log = await AuditLog.open(folder, 'AUTOMED', Buffer.alloc(32));
  const event: AuditEvent = { action: 'refused', outcome: 'failure', participants: [] };
  const times = Array.from({ length: 1200 }, (_, at) => at);
  await Promise.all(times.map((at) => log.writeCounted(event, `address ${at}`, NOW.getTime())));
  expect(read('audit-2026-11-29.jsonl').trim().split('\n')).toHaveLength(1001);
});
