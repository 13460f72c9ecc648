// What the gateway asks of another backend, and what it refuses itself: real backends that refuse as busy ones do.

import { Admission } from '../../../services/common/admission';
import { automedError, type AutomedError } from '../../../services/common/errors';
import { unary } from '../../../services/common/grpc/handlers';
import { serviceDefinition } from '../../../services/common/grpc/proto';
import { eventually, startServer, type TestServer } from '../../support/grpc';
import { segmentationClient } from '../../support/api-clients';
import { startProgram, type Program } from '../../support/stack';

const NAME = 'automed.segmentation.v1.SegmentationService';
const PATH = `/${NAME}/Segment`;
const cleanUp: (() => unknown)[] = [];
afterEach(async () => {
  for (const task of cleanUp.splice(0).reverse()) await task();
});

interface Backend extends TestServer {
  admission: Admission;
  calls: number;
}

/** Answers at once, unless `fail` throws. */
async function backend(fail: () => void = () => undefined): Promise<Backend> {
  const admission = new Admission({ slots: 1, capacity: 0 });
  const state = { admission, calls: 0 };
  const running = await startServer(
    (log) => {
      const Segment = unary(log, () => {
        made.calls += 1;
        fail();
        return {};
      });
      return [{ name: NAME, definition: serviceDefinition(NAME), implementation: { Segment } }];
    },
    {},
    { admission: { admission, methods: new Set([PATH]) } },
  );
  const made = Object.assign(running, state);
  cleanUp.push(() => running.server.drain(0));
  return made;
}

async function gatewayTo(...backends: Backend[]): Promise<{
  gateway: Program;
  segment: (timeoutMs?: number) => Promise<string>;
}> {
  const rules = [{ service: NAME, backends: backends.map(({ address }) => address) }];
  const gateway = await startProgram('gateway', { AUTOMED_ROUTES: JSON.stringify({ rules }) });
  const client = segmentationClient(gateway.address);
  cleanUp.push(
    () => gateway.stop(),
    () => client.close(),
  );
  const segment = (timeoutMs = 20_000): Promise<string> =>
    client.unary('Segment', { model: 'm', image: { encoded: Buffer.alloc(2_000_000) } }, { timeoutMs }).then(
      () => 'OK',
      (error: AutomedError) => error.code,
    );
  return { gateway, segment };
}

/** Takes the one place of a backend. */
function occupy({ admission }: Backend): () => void {
  const entered = admission.enter({ kind: `${PATH} image m`, priority: 0, remainingMs: Infinity });
  if (!('end' in entered)) throw new Error('there is no place');
  return () => entered.end(false);
}

test('a busy backend is passed over for one that has room, also with megabytes in the request', async () => {
  const [one, two] = [await backend(), await backend()];
  const { segment } = await gatewayTo(one, two);
  occupy(one);
  for (let at = 0; at < 6; at += 1) expect(await segment()).toBe('OK');
  expect([one.calls, two.calls]).toEqual([0, 6]);
});

test('when all are busy the caller is told so, and when to come back', async () => {
  const [one, two] = [await backend(), await backend()];
  const { segment, gateway } = await gatewayTo(one, two);
  const leave = [occupy(one), occupy(two)];
  expect(await segment()).toBe('QUEUE_FULL');
  for (const each of leave) each();
  await eventually(async () => (await segment()) === 'OK');
  expect(gateway.lines.some((line) => line.event === 'call' && line.code === 'RESOURCE_EXHAUSTED')).toBe(true);
});

test('what images wait for holds back no prompts on an embedding', async () => {
  const one = await backend();
  const { segment, gateway } = await gatewayTo(one);
  const leave = occupy(one);
  expect(await segment()).toBe('QUEUE_FULL');
  leave();
  const client = segmentationClient(gateway.address);
  cleanUp.push(() => client.close());
  await client.unary('Segment', { model: 'm' }, { timeoutMs: 20_000 });
  expect(one.calls).toBe(1);
});

test('a backend that fails is left for another once, within the deadline', async () => {
  const failing = await backend(() => {
    throw automedError('SERVICE_UNAVAILABLE', 'not now');
  });
  const well = await backend();
  const { segment } = await gatewayTo(failing, well);
  for (let at = 0; at < 6; at += 1) expect(await segment()).toBe('OK');
  expect(well.calls).toBe(6);
});

test('what failed by its own fault is not tried again', async () => {
  const refuse = (): void => {
    throw automedError('INVALID_ARGUMENT', 'bad', { field: 'image' });
  };
  const [one, two] = [await backend(refuse), await backend(refuse)];
  const { segment } = await gatewayTo(one, two);
  expect(await segment()).toBe('INVALID_ARGUMENT');
  expect(one.calls + two.calls).toBe(1);
});
