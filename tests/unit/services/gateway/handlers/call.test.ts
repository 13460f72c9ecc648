import { serviceDefinition } from '../../../../../services/common/grpc/proto';
import { requireReadAlike } from '../../../../../services/gateway/handlers/call';
import { readModelField } from '../../../../../services/gateway/domain/model-field';
import { targetOf } from '../../../../../services/gateway/handlers/methods';

const NAME = 'automed.segmentation.v1.SegmentationService';
const { Segment } = serviceDefinition(NAME);
if (!Segment) throw new Error('no Segment');
const target = targetOf(NAME, Segment);

/** The model that a role may use when the message gets through. */
function allowed(message: Buffer): string | undefined {
  try {
    const model = readModelField(message);
    requireReadAlike(target, message, []);
    return model;
  } catch (error) {
    expect(error).toMatchObject({ code: 'INVALID_ARGUMENT' });
    return undefined;
  }
}

const backendReads = (message: Buffer): string => (target.read(message) as { model: string }).model;

const serialized = (fields: object): Buffer => Segment.requestSerialize(fields);
const field = (number: number, wireType: number, ...bytes: number[]): number[] => [(number << 3) | wireType, ...bytes];
const text = (value: string): number[] => [value.length, ...Buffer.from(value)];
const naming = (model: string): number[] => field(1, 2, ...text(model));

test('a message that hides a model from the gateway is refused', () => {
  const secret = naming('secret');
  const hiding = [
    // The length of a field that is a number is taken for that number, and its bytes for further fields.
    [...naming('open'), ...field(4, 2, secret.length, ...secret)],
    [...naming('open'), ...field(5, 2, secret.length, ...secret)],
    // A field 1 that only a decoder takes for text.
    [...naming('open'), ...field(1, 0, 6), ...Buffer.from('secret')],
    // A number of 6 bytes, of which a decoder passes over ten.
    [...secret, ...field(5, 0, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00), ...naming('op')],
  ].map((bytes) => Buffer.from(bytes));
  for (const message of hiding) {
    expect(backendReads(message)).toBe('secret');
    expect(allowed(message)).toBeUndefined();
  }
});

test('what the gateway allows is what a backend reads, for damaged messages too', () => {
  const whole = Buffer.concat([
    serialized({ model: 'open', image: { encoded: Buffer.from(naming('secret')) }, threshold: 0.5, priority: -3 }),
    Buffer.from(naming('open')),
  ]);
  let state = 7;
  const random = (below: number): number => (state = (state * 48_271) % 2_147_483_647) % below;
  let passed = 0;
  for (let round = 0; round < 5_000; round += 1) {
    const message = Buffer.from(whole);
    for (let change = random(4); change > 0; change -= 1) message[random(message.length)] = random(256);
    const model = allowed(message);
    if (model === undefined) continue;
    passed += 1;
    expect(model).toBe(backendReads(message));
  }
  expect(passed).toBeGreaterThan(1_000);
});
