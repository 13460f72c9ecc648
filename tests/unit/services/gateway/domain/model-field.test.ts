import { readModelField } from '../../../../../services/gateway/domain/model-field';
import { serviceDefinition } from '../../../../../services/common/grpc/proto';

const { Segment } = serviceDefinition('automed.segmentation.v1.SegmentationService');

function serialized(fields: object): Buffer {
  return (Segment as NonNullable<typeof Segment>).requestSerialize(fields);
}

test('the reader of the model field finds the model in front of a large image', () => {
  const bytes = serialized({
    model: 'polyp@3',
    image: { encoded: Buffer.alloc(1 << 20) },
    threshold: 0.5,
    priority: -3,
  });
  expect(readModelField(bytes)).toBe('polyp@3');
});

test('the reader of the model field finds the model behind a large image', () => {
  const image = serialized({ image: { encoded: Buffer.alloc(1 << 20) }, threshold: 0.5 });
  const model = serialized({ model: 'läsion@production' });
  expect(readModelField(Buffer.concat([image, model]))).toBe('läsion@production');
});

test('the reader of the model field has the last one count, as a decoder does', () => {
  expect(readModelField(Buffer.concat([serialized({ model: 'a' }), serialized({ model: 'b' })]))).toBe('b');
});

test('a message without a model has an empty one', () => {
  expect(readModelField(Buffer.alloc(0))).toBe('');
  expect(readModelField(serialized({ threshold: 0.25 }))).toBe('');
});

test.each([
  ['is cut short in a tag', [0x8a]],
  ['is cut short in a length', [0x0a, 0x80]],
  ['is cut short in a value', [0x0a, 0x05, 0x61]],
  ['lies about a length', [0x12, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]],
  ['has an endless number', Array.from({ length: 12 }, () => 0xff)],
  ['uses a group', [0x0b]],
  ['has field number 0', [0x02, 0x00]],
  ['has a field 1 that is no string, which a decoder would read as one', [0x08, 0x01, 0x61]],
  ['has a tag of more than 5 bytes', [0x8a, 0x80, 0x80, 0x80, 0x80, 0x00, 0x01, 0x61]],
  ['has a tag of more than 32 bits', [0x8a, 0x80, 0x80, 0x80, 0x10, 0x01, 0x61]],
  ['has a length of more than 5 bytes', [0x0a, 0x81, 0x80, 0x80, 0x80, 0x80, 0x00, 0x61]],
  ['has a flood of fields', Array.from({ length: 2049 }, () => [0x28, 0x01]).flat()],
  ['has a model of 300 bytes', [0x0a, 0xac, 0x02, ...Array.from({ length: 300 }, () => 0x61)]],
])('refuses a message that %s', (_how, bytes) => {
  expect(() => readModelField(Buffer.from(bytes))).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
});

test('the reader of the model field reads a message with as many points as the API accepts', () => {
  const points = Array.from({ length: 1024 }, () => [0x22, 0x00]).flat();
  expect(readModelField(Buffer.from([...points, 0x0a, 0x01, 0x61]))).toBe('a');
});

test('the reader of the model field survives every prefix and every damaged byte of a message', () => {
  const bytes = serialized({ model: 'polyp', image: { encoded: Buffer.from('pixels') }, threshold: 0.5 });
  for (let cut = 0; cut < bytes.length; cut += 1) {
    for (const damage of [0x00, 0x7f, 0x80, 0xff]) {
      const damaged = Buffer.from(bytes);
      damaged[cut] = damage;
      for (const candidate of [damaged, bytes.subarray(0, cut)]) {
        try {
          expect(typeof readModelField(candidate)).toBe('string');
        } catch (error) {
          expect(error).toMatchObject({ code: 'INVALID_ARGUMENT' });
        }
      }
    }
  }
});
