// What the documentation sends from a shell, held against the protos: the programs are not on every machine.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createFileRegistry, fromBinary, fromJson, type JsonValue } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { pagesOf } from './blocks';
import { callsOf } from './shell-calls';

const ROOT = join(__dirname, '..', '..');
const registry = createFileRegistry(
  fromBinary(FileDescriptorSetSchema, readFileSync(join(ROOT, 'proto/gen/api.binpb'))),
);

/** @throws Error for a service, method, field or value that the protos do not have */
function check(block: string): void {
  for (const { service, method, json } of callsOf(block)) {
    if (service.startsWith('grpc.')) continue;
    const input = registry.getService(service)?.methods.find(({ name }) => name === method)?.input;
    if (!input) throw new Error(`the protos have no ${service}/${method}`);
    if (json !== '') fromJson(input, JSON.parse(json) as JsonValue, { registry });
  }
}

const blocks = pagesOf(ROOT).flatMap((page) => {
  const text = readFileSync(join(ROOT, page), 'utf8');
  return [...text.matchAll(/^```sh[^\n]*\n([^]*?)^```$/gm)]
    .filter(([, block = '']) => /grpcurl|buf curl/.test(block))
    .map(([, block = ''], index): [string, string] => [`${page}, block ${index + 1}`, block]);
});

it('the documentation calls from a shell, by both programs', () => {
  expect(
    blocks.map(([, block]) => callsOf(block).length).reduce((sum, count) => sum + count, 0),
  ).toBeGreaterThanOrEqual(5);
  expect(blocks.some(([, block]) => block.includes('grpcurl'))).toBe(true);
});

it.each(blocks)('%s sends what the protos describe', (_, block) => {
  expect(() => check(block)).not.toThrow();
});

const LIST = 'automed.models.v1.ModelService/ListModels';

it.each([
  ['a method', `grpcurl -plaintext 127.0.0.1:50051 ${LIST}Now`, 'the protos have no'],
  ['a field', `grpcurl -d '{"tsak": "TASK_SEGMENTATION"}' 127.0.0.1:50051 ${LIST}`, 'tsak'],
  ['a value', `buf curl -d '{"task": "SEGMENTATION"}' http://127.0.0.1:50051/${LIST}`, 'models.v1.Task'],
])('%s that the protos do not have is found', (_, block, message) => {
  expect(() => check(block)).toThrow(message);
});
