import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { status as Code } from '@grpc/grpc-js';
import { AutomedError, automedError, ERROR_CODES, NATIVE_ERROR_CODES } from '../../../../services/common/errors';
import { GRPC_CODE_OF } from '../../../../services/common/grpc/status';

const root = join(__dirname, '../../../..');

/** Rows of the errors table in proto/README.md: reason -> [class, status]. */
function documented(): Map<string, [string, string]> {
  const text = readFileSync(join(root, 'proto/README.md'), 'utf8');
  const rows = text.matchAll(/^\| `([A-Z_]+)`\s*\| (\w+)\s*\| ([A-Z_]+)\s*\|/gm);
  return new Map([...rows].map(([, reason = '', name = '', code = '']) => [reason, [name, code]]));
}

/** Codes of native/src/core/error.h, spelled as JavaScript spells them. */
function nativeCodes(): string[] {
  const header = readFileSync(join(root, 'native/src/core/error.h'), 'utf8');
  const body = /enum class ErrorCode \{([^}]*)\}/.exec(header)?.[1] ?? '';
  return [...body.matchAll(/^\s*k(\w+),/gm)].map(([, name = '']) =>
    name.replace(/(?<=[a-z])([A-Z])/g, '_$1').toUpperCase(),
  );
}

test('C++ and TypeScript list the same codes in the same order', () => {
  expect(nativeCodes()).toEqual([...NATIVE_ERROR_CODES]);
  expect(ERROR_CODES.slice(0, NATIVE_ERROR_CODES.length)).toEqual([...NATIVE_ERROR_CODES]);
});

test('the README has a line for every code and no other', () => {
  expect([...documented().keys()]).toEqual([...ERROR_CODES]);
});

test.each([...ERROR_CODES])('%s has a class and a gRPC status, and the README tells both', (code) => {
  const error = automedError(code, 'text');
  expect(error).toBeInstanceOf(AutomedError);
  expect(error.constructor).not.toBe(AutomedError);
  expect(error.code).toBe(code);
  expect(documented().get(code)).toEqual([error.constructor.name, Code[GRPC_CODE_OF[code]]]);
});
