import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { termsOf } from '../../../../services/cli/commands/options';
import { termsSchema } from '../../../../services/store';
import { temporaryFolder } from '../../../support/data';

const folder = temporaryFolder();
const liver = { type: { value: '10200004', scheme: 'SCT', meaning: 'Liver' } };

test('a term needs a code that fits its elements', () => {
  expect(termsSchema.safeParse({ liver }).success).toBe(true);
  for (const change of [
    { value: '1'.repeat(17) },
    { value: '' },
    { value: 'a\\b' },
    { scheme: 'snomed ct' },
    { meaning: 'Leber (größer)' },
    { meaning: ' Liver' },
    { meaning: 'x'.repeat(65) },
  ]) {
    expect(termsSchema.safeParse({ liver: { type: { ...liver.type, ...change } } }).success).toBe(false);
  }
});

test('--terms reads a file, and says what is wrong with it', () => {
  const file = join(folder, 'terms.json');
  writeFileSync(file, JSON.stringify({ liver }));
  expect(termsOf(file)).toEqual({ liver });
  writeFileSync(file, JSON.stringify({ liver: { type: { value: '10200004', scheme: 'SCT' } } }));
  expect(() => termsOf(file)).toThrow(/liver\.type\.meaning/);
  writeFileSync(file, 'liver');
  expect(() => termsOf(file)).toThrow(/JSON/);
  expect(() => termsOf(join(folder, 'none.json'))).toThrow(/ENOENT/);
});
