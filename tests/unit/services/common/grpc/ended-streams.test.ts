import { setTimeout as sleep } from 'node:timers/promises';
import { dropEndedStreams } from '../../../../../services/common/grpc/ended-streams';
import { unary } from '../../../../../services/common/grpc/handlers';
import { serviceDefinition } from '../../../../../services/common/grpc/proto';
import { garbageCollector } from '../../../../../services/common/garbage';
import { segmentationClient } from '../../../../support/api-clients';
import { startServer, type TestServer } from '../../../../support/grpc';

const MIB = 1024 * 1024;
const NAME = 'automed.segmentation.v1.SegmentationService';
/** Of each of two times. Their bytes, at both ends, stay below what makes V8 mark its heap by itself. */
const CALLS = 40;
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
  /** What calls leave behind, MiB. */
  const left = async (): Promise<number> => {
    const before = process.memoryUsage().arrayBuffers;
    for (let made = 0; made < CALLS; made += 1) {
      await call();
      await sleep(1); // both ends hear of the end
      if (made % 10 === 9) collector.minor();
    }
    await sleep(50); // V8 frees them on another thread
    return (process.memoryUsage().arrayBuffers - before) / MIB;
  };
  await call();
  collector.major();
  // What else this process keeps from one of the two times is not of the calls.
  expect(Math.min(await left(), await left())).toBeLessThan(8);
});
