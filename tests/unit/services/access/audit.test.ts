import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AuditLog, summarize, type AuditEntry } from '../../../../services/access/audit';

const folder = mkdtempSync(join(tmpdir(), 'automed-audit-'));
afterAll(() => rmSync(folder, { recursive: true }));

const ENTRY: AuditEntry = {
  caller: 'key:clinic',
  roles: ['predict'],
  peer: '127.0.0.1:1',
  method: 'automed.models.v1.ModelService/SetAlias',
  code: 'OK',
  requestId: 'r1',
  model: 'polyp@3',
};

function linesOf(file: string): Record<string, unknown>[] {
  const text = readFileSync(file, 'utf8');
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

test('appends one line of JSON for each call, in a file that only its owner reads', () => {
  const file = join(folder, 'audit.jsonl');
  new AuditLog({ file, calls: 'changes' }).record(ENTRY);
  new AuditLog({ file, calls: 'changes' }).record({ ...ENTRY, request: { alias: 'production' } });
  const lines = linesOf(file);
  expect(lines).toHaveLength(2);
  expect(lines[1]).toEqual({ ...ENTRY, request: { alias: 'production' }, time: expect.any(String) });
  expect(statSync(file).mode & 0o777).toBe(0o600);
});

test('concerns changes and refusals, or everything', () => {
  const changes = new AuditLog({ file: join(folder, 'changes.jsonl'), calls: 'changes' });
  expect(changes.concerns('OK', false)).toBe(false);
  expect(changes.concerns('OK', true)).toBe(true);
  expect(changes.concerns('PERMISSION_DENIED', false)).toBe(true);
  expect(changes.concerns('UNAUTHENTICATED', false)).toBe(true);
  expect(new AuditLog({ file: join(folder, 'all.jsonl'), calls: 'all' }).concerns('OK', false)).toBe(true);
});

test('callers without a name do not fill the disk, and what was left out is counted', () => {
  let now = 0;
  const file = join(folder, 'nobody.jsonl');
  const audit = new AuditLog({ file, calls: 'changes' }, () => now);
  for (let at = 0; at < 1_000; at += 1) audit.record({ ...ENTRY, caller: 'nobody' });
  expect(linesOf(file)).toHaveLength(60);
  audit.record(ENTRY);
  expect(linesOf(file).at(-1)).toMatchObject({ caller: 'key:clinic', dropped: 940 });
  now += 60_000;
  audit.record({ ...ENTRY, caller: 'nobody' });
  expect(linesOf(file)).toHaveLength(62);
});

test('the audit shows what was asked, without bytes, secrets and passwords', () => {
  const request = {
    model: 'polyp@3',
    alias: '',
    count: 3,
    image: { encoded: Buffer.from('pixels') },
    apiKey: 'amk_x',
    uri: 's3://user:secret@store/data',
    spec: { seed: 1, deep: { deeper: { deepest: 1 } }, token: 'x' },
    names: ['a', 'b'],
    long: 'x'.repeat(1_000),
  };
  const shown = summarize(request);
  expect(shown).toMatchObject({
    model: 'polyp@3',
    count: 3,
    image: {},
    apiKey: '[redacted]',
    uri: 's3://[redacted]@store/data',
    spec: { seed: 1, token: '[redacted]' },
    names: ['a', 'b'],
  });
  expect(JSON.stringify(shown)).not.toMatch(/pixels|amk_x|user:secret/);
  expect(String(shown.long).length).toBeLessThan(220);
});
