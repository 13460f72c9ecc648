import { setTimeout as sleep } from 'node:timers/promises';
import { dropEndedStreams } from '../../../../../services/common/grpc/ended-streams';
import { unary } from '../../../../../services/common/grpc/handlers';
import { serviceDefinition } from '../../../../../services/common/grpc/proto';
import { garbageCollector } from '../../../../../services/common/garbage';
import { segmentationClient } from '../../../../support/api-clients';
import { startServer, type TestServer } from '../../../../support/grpc';

const MIB = 1024 * 1024;
const NAME = 'automed.segmentation.v1.SegmentationService';
/** Their bytes stay below what makes V8 mark its heap by itself. */
const CALLS = 80;
const BYTES = 256 * 1024;

let running: TestServer;
let client: ReturnType<typeof segmentationClient>;
let undo: () => void;

beforeAll(async () => {
  undo = dropEndedStreams();
  running = await startServer((log) => [
    {
      name: NAME,
      definition: serviceDefinition(NAME),
      implementation: { Segment: unary(log, async () => ({ threshold: 0.5 })) },
    },
  ]);
  client = segmentationClient(running.address);
});
afterAll(async () => {
  client.close();
  await running.server.drain(0);
  undo();
});

it('a scavenge frees the messages of calls that ended', async () => {
  const collector = garbageCollector();
  const call = (): Promise<unknown> => client.unary('Segment', { image: { encoded: Buffer.alloc(BYTES, 1) } });
  await call();
  collector.major();
  const before = process.memoryUsage().arrayBuffers;
  for (let made = 0; made < CALLS; made += 1) {
    await call();
    await sleep(1); // both ends hear of the end
    if (made % 10 === 9) collector.minor();
  }
  await sleep(50); // V8 frees them on another thread
  expect((process.memoryUsage().arrayBuffers - before) / MIB).toBeLessThan(8);
});
