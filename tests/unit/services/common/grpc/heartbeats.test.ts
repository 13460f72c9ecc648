// On real sockets: what a caller gets of a stream that has nothing to say.

import type { ServiceDefinition } from '@grpc/grpc-js';
import { ApiClient } from '../../../../../services/common/grpc/client';
import { bidi, serverStream } from '../../../../../services/common/grpc/handlers';
import { streamsWithHeartbeat } from '../../../../../services/common/grpc/heartbeats';
import { protoRoot, serviceDefinition } from '../../../../../services/common/grpc/proto';
import { compiledDescriptors } from '../../../../../services/common/grpc/reflection';
import { createFileRegistry, fromBinary } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { collect } from '../../../../../services/client';
import { startServer } from '../../../../support/grpc';

const JOBS = 'automed.training.v1.TrainingJobService';
const SEGMENTATION = 'automed.segmentation.v1.SegmentationService';

const cleanUp: (() => unknown)[] = [];
afterEach(async () => {
  for (const task of cleanUp.splice(0).reverse()) await task();
});

async function serve(name: string, implementation: Parameters<typeof startServer>[0], everyMs: number) {
  const { address, server } = await startServer(implementation, { streamHeartbeatMs: everyMs });
  const client = new ApiClient<ServiceDefinition>(name, address);
  cleanUp.push(
    () => server.drain(0),
    () => client.close(),
  );
  return client;
}

test('a silent stream says that it lives, before and after its events', async () => {
  let speak: () => void = () => undefined;
  const client = await serve(
    JOBS,
    (log) => [
      {
        name: JOBS,
        definition: serviceDefinition(JOBS),
        implementation: {
          WatchTrainingJob: serverStream(log, async function* () {
            await new Promise<void>((resolve) => (speak = resolve));
            yield { event: { sequence: 1 } };
            await new Promise<void>((resolve) => (speak = resolve));
          }),
        },
      },
    ],
    20,
  );
  const seen: string[] = [];
  for await (const message of client.serverStream('WatchTrainingJob', {} as never)) {
    const { heartbeat, event } = message as { heartbeat: boolean; event: { sequence: string } | null };
    seen.push(heartbeat ? 'alive' : `event ${event?.sequence}`);
    if (seen.length >= 2 && seen.at(-1) === 'alive') speak();
  }
  expect(seen.slice(0, 2)).toEqual(['alive', 'alive']);
  expect(seen.filter((each) => each !== 'alive')).toEqual(['event 1']);
  expect(seen.indexOf('event 1')).toBeLessThan(seen.length - 1);
});

test('a stream of requests says so too, and its answers keep their order', async () => {
  const client = await serve(
    SEGMENTATION,
    (log) => [
      {
        name: SEGMENTATION,
        definition: serviceDefinition(SEGMENTATION),
        implementation: {
          SegmentStream: bidi<object, object>(log, async (call) => {
            let index = 0;
            for await (const _ of call.iterator({ destroyOnReturn: false })) {
              await new Promise((resolve) => setTimeout(resolve, 100));
              call.write({ index: index++, status: { code: 3 } });
            }
          }),
        },
      },
    ],
    20,
  );
  interface Answer {
    heartbeat: boolean;
    index: number;
  }
  const answers = (await collect(client.series('SegmentStream', [{ model: 'a' }, {}, {}] as never))) as Answer[];
  expect(answers.some(({ heartbeat }) => heartbeat)).toBe(true);
  expect(answers.filter(({ heartbeat }) => !heartbeat).map(({ index }) => index)).toEqual([0, 1, 2]);
});

test('every stream of the API has heartbeats', () => {
  const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, compiledDescriptors(protoRoot())));
  const services = [...registry].flatMap((each) => (each.kind === 'service' ? [each] : []));
  const own = services.filter(({ typeName }) => typeName.startsWith('automed.'));
  const streams = own.flatMap(({ typeName, methods }) =>
    methods
      .filter(({ methodKind }) => methodKind === 'server_streaming' || methodKind === 'bidi_streaming')
      .map(({ name }) => `/${typeName}/${name}`),
  );
  expect(streams.length).toBeGreaterThan(5);
  const beating = streamsWithHeartbeat(own.map(({ typeName }) => serviceDefinition(typeName)));
  expect([...beating].sort()).toEqual(streams.sort());
});
