// On real sockets: series and sessions whose stream breaks, falls silent, or comes with a token that is none.

import type {
  SegmentStreamRequest,
  SegmentStreamRequest__Output,
} from '../../../../proto/gen/automed/segmentation/v1/SegmentStreamRequest';
import type { InteractiveSessionRequest__Output } from '../../../../proto/gen/automed/segmentation/v1/InteractiveSessionRequest';
import { collect, InvalidInputError, UnavailableError, type ClientOptions } from '../../../../services/client';
import { automedError } from '../../../../services/common/errors';
import { bidi } from '../../../../services/common/grpc/handlers';
import { serveSeries, type SeriesAnswer } from '../../../../services/common/grpc/series';
import { eventually } from '../../../support/grpc';
import { served } from './server';

const SEGMENTATION = 'automed.segmentation.v1.SegmentationService';
const INTERACTIVE = 'automed.segmentation.v1.InteractiveSegmentationService';

interface Seen {
  model: string;
  resumeToken: string;
}

/** Serves series; `hold` says which image of which stream, from 1, is never answered. */
async function series(hold: (stream: number, threshold: number) => boolean, options: ClientOptions = {}) {
  const acquired: string[] = [];
  const begun: Seen[] = [];
  const breaks: (() => void)[] = [];
  let streams = 0;
  const client = await served(
    {
      [SEGMENTATION]: (log) => ({
        SegmentStream: bidi<SegmentStreamRequest__Output, SeriesAnswer<{ threshold: number }>>(log, (call, context) => {
          const stream = (streams += 1);
          const broken = new Promise<never>((_, reject) =>
            breaks.push(() => reject(automedError('SERVICE_UNAVAILABLE', 'The service restarts.'))),
          );
          const answered = serveSeries(call, context, {
            maxInFlight: 2,
            prepare: async (request: SegmentStreamRequest__Output) => {
              if (request.resumeToken !== '' || begun.length < stream)
                begun.push({ model: request.model, resumeToken: request.resumeToken });
              return request;
            },
            acquire: async (reference) => {
              acquired.push(reference);
              return { model: reference.includes('@1') ? reference : 'polyp@1', release: () => undefined };
            },
            identify: (model) => model,
            answer: async (_model: string, { threshold = 0 }) => {
              if (hold(stream, threshold)) await new Promise(() => undefined);
              return { threshold };
            },
          });
          return Promise.race([answered, broken]);
        }),
      }),
    },
    options,
  );
  return { client, acquired, begun, breakNow: () => breaks.at(-1)?.() };
}

const images = (count: number): SegmentStreamRequest[] =>
  Array.from({ length: count }, (_, at) => ({ model: at === 0 ? 'polyp@production' : '', threshold: (at + 1) / 16 }));

test('a series that breaks goes on with the first image without an answer, on the version that answered', async () => {
  const { client, acquired, begun, breakNow } = await series(
    (stream, threshold) => stream < 3 && threshold > stream / 8,
  );
  const seen: [number, number][] = [];
  for await (const answer of client.segmentation.segmentStream(images(6))) {
    seen.push([answer.index, 'result' in answer ? answer.result.threshold : NaN]);
    if (seen.length === 2 || seen.length === 4) breakNow();
  }
  expect(seen).toEqual(images(6).map(({ threshold }, at) => [at, threshold]));
  expect(begun).toEqual([
    { model: 'polyp@production', resumeToken: '' },
    { model: 'polyp@production', resumeToken: '2.polyp@1' },
    { model: 'polyp@production', resumeToken: '4.polyp@1' },
  ]);
  expect(acquired).toEqual(['polyp@production', 'polyp@1', 'polyp@1']);
});

test('a server that is silent for too long is left for another stream, or named where none is wanted', async () => {
  const silent = (stream: number, threshold: number): boolean => stream === 1 && threshold > 0.1;
  const again = await series(silent, { silenceMs: 150 });
  const breaks: number[] = [];
  const answers = await collect(again.client.segmentation.segmentStream(images(3), { onBroken: () => breaks.push(1) }));
  expect(answers.map(({ index }) => index)).toEqual([0, 1, 2]);
  expect(breaks).toEqual([1]);

  const once = await series(silent, { silenceMs: 150, attempts: 1 });
  const given = collect(once.client.segmentation.segmentStream(images(3)));
  await expect(given).rejects.toBeInstanceOf(UnavailableError);
});

test('what a series throws ends it, and no stream is opened again for it', async () => {
  const { client, begun } = await series(() => false);
  async function* failing(): AsyncGenerator<SegmentStreamRequest> {
    yield* images(2);
    throw automedError('SERVICE_UNAVAILABLE', 'The camera is away.');
  }
  await expect(collect(client.segmentation.segmentStream(failing()))).rejects.toThrow('The camera is away.');
  expect(begun.length).toBeLessThan(2);
});

test.each(['x', '1', '-1.', '99999999999.polyp@1', '1.polyp', '1.tumour@1', `1.${'p'.repeat(300)}@1`])(
  'the token %s is refused',
  async (resumeToken) => {
    const { client } = await series(() => false);
    const [first, ...rest] = images(2);
    const answers = collect(client.segmentation.segmentStream([{ ...first, resumeToken }, ...rest]));
    await expect(answers).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', field: 'resume_token' });
  },
);

test('a token behind the first message fails its image alone', async () => {
  const { client } = await series(() => false);
  const [first, second] = images(2);
  const [one, other] = await collect(
    client.segmentation.segmentStream([first!, { ...second, resumeToken: '1.polyp@1' }]),
  );
  expect(one).toMatchObject({ result: { threshold: 1 / 16 } });
  expect((other as { error: unknown }).error).toBeInstanceOf(InvalidInputError);
});

test('a session that breaks while nobody clicks goes on at the next click, with its image', async () => {
  const begun: InteractiveSessionRequest__Output[] = [];
  let breakNow: () => void = () => undefined;
  const client = await served({
    [INTERACTIVE]: (log) => ({
      InteractiveSession: bidi<InteractiveSessionRequest__Output, object>(log, async (call) => {
        const broken = new Promise<never>((_, reject) => {
          breakNow = () => reject(automedError('SERVICE_UNAVAILABLE', 'The service restarts.'));
        });
        const answer = async (): Promise<void> => {
          let index = -1;
          for await (const message of call.iterator({ destroyOnReturn: false })) {
            const request = message as InteractiveSessionRequest__Output;
            if (index < 0) begun.push(request);
            index = index < 0 ? Number(request.resumeToken.split('.')[0]) : index + 1;
            call.write({ index, result: {}, resumeToken: `${index + 1}.tiny@1` });
          }
        };
        await Promise.race([answer(), broken]);
      }),
    }),
  });
  let click: () => void = () => undefined;
  async function* clicks() {
    yield { model: 'tiny', image: { encoded: Buffer.from('image') }, points: [{ xPx: 1 }] };
    yield { points: [{ xPx: 2 }] };
    await new Promise<void>((resolve) => (click = resolve));
    yield { points: [{ xPx: 3 }] };
  }
  let broken = 0;
  const indexes: number[] = [];
  for await (const { index } of client.interactive.session(clicks(), { onBroken: () => (broken += 1) })) {
    indexes.push(index);
    if (index !== 1) continue;
    breakNow();
    void eventually(() => Promise.resolve(broken === 1)).then(() => click());
  }
  expect(indexes).toEqual([0, 1, 2]);
  expect(begun.map(({ resumeToken }) => resumeToken)).toEqual(['', '2.tiny@1']);
  expect(begun[1]).toMatchObject({ model: 'tiny', image: { encoded: Buffer.from('image') }, points: [{ xPx: 3 }] });
});
