import { join } from 'node:path';
import { automedError } from '../../../../../services/common/errors';
import { makeFolder } from '../../../../../services/common/make-folder';
import { knownFailure, starvation } from '../../../../../services/worker/protocol/failure';

const errno = (code: string, syscall = 'write'): Error =>
  Object.assign(new Error(`${code}: said by ${syscall}`), { code, syscall });

test.each([
  ['ENOSPC', 'STORAGE_FULL', /disk is full/],
  ['EDQUOT', 'STORAGE_FULL', /disk is full/],
  ['SQLITE_FULL', 'STORAGE_FULL', /disk is full/],
  ['EROFS', 'ILLEGAL_STATE', /read-only/],
  ['EACCES', 'ILLEGAL_STATE', /read-only/],
  ['ENOMEM', 'OUT_OF_MEMORY', /memory/],
])('says what %s means', (code, known, message) => {
  expect(knownFailure(errno(code))).toEqual({ code: known, message: expect.stringMatching(message) });
});

test('a failure event looks at the causes of an error, too', () => {
  const wrapped = new Error('could not register', { cause: new Error('outer', { cause: errno('ENOSPC') }) });
  expect(knownFailure(wrapped)?.code).toBe('STORAGE_FULL');
});

test('a failure event keeps the sentence and the field of a typed error', () => {
  const error = automedError('NOT_FOUND', 'There is no base "x".', { field: 'base' });
  expect(knownFailure(error)).toEqual({ code: 'NOT_FOUND', message: 'There is no base "x".', field: 'base' });
});

test('a cache that is full is no full disk', () => {
  expect(knownFailure(automedError('STORAGE_FULL', 'disk full: /home/x'))?.message).toMatch(/disk is full/);
  const text = 'A file of 9 bytes does not fit into the cache of models, which may take 8 (AUTOMED_MODEL_CACHE_BYTES).';
  expect(knownFailure(automedError('STORAGE_FULL', text))).toEqual({ code: 'STORAGE_FULL', message: text });
});

test('a folder that cannot be made is a store that cannot be written, a missing file is not', () => {
  expect(knownFailure(errno('ENOENT', 'mkdir'))?.message).toMatch(/read-only/);
  expect(knownFailure(errno('ENOENT', 'open'))).toBeUndefined();
});

test('a failure event says what is in the way of a folder', async () => {
  const path = join(__filename, 'home');
  const error: unknown = await makeFolder(path).catch((cause: unknown) => cause);
  const message = `The folder ${path} cannot be made: ${__filename} is not a folder.`;
  expect(knownFailure(error)).toEqual({ code: 'ILLEGAL_STATE', message });
});

test('a failure event leaves a fault of ours to the log', () => {
  expect(knownFailure(new TypeError('x is not a function'))).toBeUndefined();
  expect(knownFailure(automedError('INTERNAL', 'oops'))).toBeUndefined();
});

test('a process that gets memory is not starved', () => {
  expect(starvation()).toBeUndefined();
});
