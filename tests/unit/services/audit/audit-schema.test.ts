// Every kind of audit message by the schema of PS3.15 A.5.1, with libxml2's validator.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AuditLog, type AuditAction, type AuditEvent } from '../../../../services/audit';
import { installPackages } from '../../../support/debian';

const hasXmllint = (): boolean => spawnSync('xmllint', ['--version']).error === undefined;

function whyNoXmllint(): string | undefined {
  if (hasXmllint()) return undefined;
  try {
    installPackages(['libxml2-utils']);
  } catch (error) {
    return (error as Error).message;
  }
  return hasXmllint() ? undefined : 'apt-get install libxml2-utils';
}

const why = whyNoXmllint();
if (why !== undefined) process.stderr.write(`SKIPPED: audit messages by their schema: ${why}\n`);

const ACTIONS: readonly AuditAction[] = [
  'start',
  'stop',
  'received',
  'analysed',
  'sent',
  'exported',
  'deleted',
  'refused',
  'steered',
];
const NOW = new Date('2026-11-29T12:00:00Z');

let folder: string;
beforeAll(() => (folder = mkdtempSync(join(tmpdir(), 'automed-schema-'))));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What the validator says of a message; empty of a valid one. */
function complaints(message: string): string {
  const file = join(folder, 'message.xml');
  writeFileSync(file, message);
  const schema = join(__dirname, 'audit-message.rng');
  const { status, stderr } = spawnSync('xmllint', ['--noout', '--relaxng', schema, file], { encoding: 'utf8' });
  return status === 0 ? '' : stderr;
}

(why === undefined ? describe : describe.skip)('an audit message', () => {
  let lines: string[];
  beforeAll(async () => {
    const log = await AuditLog.open(folder, 'AUTOMED', Buffer.alloc(32));
    const study = log.studyOf({ number: 7, study: '1.2.3', patient: 'P' });
    for (const action of ACTIONS) {
      const plain: AuditEvent = {
        action,
        outcome: 'success',
        participants: [{ id: 'automed-pacs', role: 'application', isRequestor: true }],
      };
      await log.write(plain, NOW);
      const participants = [
        { id: 'A&B <"C">', address: '10.0.0.1', role: 'source', isRequestor: true },
        { id: 'ARCHIVE', address: 'https://pacs.example/dicom-web', role: 'destination', isRequestor: false },
        { id: 'liver@3', alternative: `sha256:${'a1'.repeat(32)}`, role: 'model', isRequestor: false },
        { id: 'host', address: 'pacs.example', role: 'application', isRequestor: false },
      ] as const;
      const objects = [{ sopClass: '1.2.840.10008.5.1.4.1.1.2', count: 300 }];
      const full = { action, outcome: 'failure', participants, study, objects, detail: `line\n\u0001 & <x>` } as const;
      await log.write({ ...full, count: 3 }, NOW);
    }
    lines = readFileSync(join(folder, 'audit-2026-11-29.xml'), 'utf8').trim().split('\n');
  });

  it('of every action is valid, with and without a study', () => {
    expect(lines).toHaveLength(2 * ACTIONS.length);
    for (const line of lines) expect(complaints(line)).toBe('');
  });

  it.each([
    ['without its time', / EventDateTime="[^"]*"/, ''],
    ['with another outcome', 'EventOutcomeIndicator="4"', 'EventOutcomeIndicator="5"'],
    ['without a participant', /<ActiveParticipant .*<\/ActiveParticipant>/, ''],
    ['with a detail as it is', /value="[^"]*"/, 'value="7%"'],
  ])('%s would not be', (_, what, other) => {
    const [, message = ''] = lines;
    expect(message.replace(what, other)).not.toBe(message);
    expect(complaints(message.replace(what, other))).toContain('fails to validate');
  });
});
