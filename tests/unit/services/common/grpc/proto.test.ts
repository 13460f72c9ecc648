import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { MapField, Namespace, parse, Root, Type } from 'protobufjs';
import { protoRoot } from '../../../../../services/common/grpc/proto';

/**
 * Full names of the maps whose keys have 64 bits. proto-loader decodes such a key to eight raw characters, whatever `longs`
 * says, and a relay that encodes the message again loses entries.
 */
function mapsWithLongKeys(namespace: Namespace): string[] {
  const here =
    namespace instanceof Type
      ? namespace.fieldsArray.filter((field) => field instanceof MapField && field.keyType.endsWith('64'))
      : [];
  const below = namespace.nestedArray.flatMap((each) => (each instanceof Namespace ? mapsWithLongKeys(each) : []));
  return [...here.map(({ fullName }) => fullName), ...below];
}

const LONG = ['int64', 'uint64', 'sint64', 'fixed64', 'sfixed64'];

test('maps with keys of 64 bits are found, in nested messages too', () => {
  const fields = [...LONG, 'int32', 'string', 'bool'].map(
    (key, index) => `map<${key}, string> of_${key} = ${index + 1};`,
  );
  const { root } = parse(`syntax = "proto3"; package p; message A { message B { ${fields.join(' ')} } }`);
  const found = mapsWithLongKeys(root).map((name) => name.toLowerCase().replace(/_/g, ''));
  expect(found).toEqual(LONG.map((key) => `.p.a.b.of${key}`));
});

test('no message of the API has a map with keys of 64 bits', () => {
  const root = new Root();
  root.resolvePath = (_origin, target) =>
    target.startsWith('google/protobuf/') ? target : join(protoRoot(), target.replace(`${protoRoot()}/`, ''));
  const files = readdirSync(join(protoRoot(), 'automed'), { recursive: true, encoding: 'utf8' });
  const protos = files.filter((name) => name.endsWith('.proto')).map((name) => join('automed', name));
  root.loadSync(protos);
  expect(root.lookup('automed.segmentation.v1.SegmentRequest')).toBeInstanceOf(Type);
  expect(mapsWithLongKeys(root)).toEqual([]);
});
