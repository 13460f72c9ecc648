// Series and sessions of a real inference program, through a gateway and over a network that breaks: no image is lost, none is
// answered twice, and every answer is the one of a stream that held.

import { AutomedClient, collect } from '../../../services/client';
import { temporaryFolder } from '../../support/data';
import { cutProxy, type CutProxy } from '../../support/cut-proxy';
import { eventually } from '../../support/grpc';
import { startProgram, type Program } from '../../support/stack';
import { discImage } from '../../support/stack-images';
import { makeStore } from '../../support/stack-store';

const home = temporaryFolder();
let made: Awaited<ReturnType<typeof makeStore>>;
let inference: Program;
let gateway: Program;
let proxy: CutProxy;
let client: AutomedClient;

beforeAll(async () => {
  made = await makeStore(home);
  await made.addSegmentation('polyp', 1);
  await made.addClassification('tumour');
  inference = await startProgram('inference', { AUTOMED_HOME: home, AUTOMED_RESOLVE_TTL_MS: '0' });
  gateway = await startProgram('gateway', {
    AUTOMED_SEGMENTATION_BACKENDS: inference.address,
    AUTOMED_CLASSIFICATION_BACKENDS: inference.address,
    AUTOMED_TRAINING_BACKENDS: '',
  });
  proxy = await cutProxy(gateway.address, []);
  client = new AutomedClient(proxy.address);
});

afterAll(async () => {
  client.close();
  proxy.close();
  await gateway.stop();
  await inference.stop();
});

const IMAGES = 9;
const pictures = (): Promise<Buffer[]> =>
  Promise.all(Array.from({ length: IMAGES }, async (_, at) => (await discImage(60 + at, 50, at)).png));

/** The answers of a stream that gets its requests as they are answered, and which is cut behind each third of them. */
async function cutOften<Request, Answer>(
  requests: readonly Request[],
  answersOf: (requests: AsyncIterable<Request>) => AsyncIterable<Answer>,
  { ahead = 1, beforeCut }: { ahead?: number; beforeCut?: () => Promise<void> } = {},
): Promise<Answer[]> {
  const seen: Answer[] = [];
  let turn: () => void = () => undefined;
  async function* paced() {
    for (const [at, request] of requests.entries()) {
      while (at > seen.length + ahead) await new Promise<void>((resolve) => (turn = resolve));
      yield request;
    }
  }
  for await (const answer of answersOf(paced())) {
    if (seen.length % 3 === 2 && seen.length < IMAGES - 1) {
      await beforeCut?.();
      proxy.cut();
    }
    seen.push(answer);
    turn();
  }
  return seen;
}

test('a series of masks stays on its version and answers every image once', async () => {
  const requests = (await pictures()).map((encoded, at) => ({ model: at === 0 ? 'polyp' : '', image: { encoded } }));
  const plain = await collect(client.segmentation.segmentStream(requests));
  const cuts = proxy.cuts();
  let breaks = 0;
  const broken = await cutOften(
    requests,
    (paced) => client.segmentation.segmentStream(paced, { onBroken: () => (breaks += 1) }),
    { beforeCut: async () => void (await made.addSegmentation('polyp', 2 + breaks)) }, // the latest, from now on
  );
  expect(proxy.cuts() - cuts).toBe(2);
  expect(breaks).toBe(2);
  const told = (answers: typeof plain) =>
    answers.map((answer) => 'result' in answer && [answer.index, answer.result.model?.version, answer.result.masks]);
  expect(told(broken)).toEqual(told(plain));
  expect(told(broken).map((each) => each && each[0])).toEqual(requests.map((_, at) => at));
  const latest = () => client.segmentation.segment({ ...requests[0], model: 'polyp' });
  await eventually(async () => (await latest()).model?.version === 3);
});

test('a series of classes answers every image once', async () => {
  const requests = (await pictures()).map((encoded) => ({ model: 'tumour', image: { encoded } }));
  const plain = await collect(client.classification.classifyStream(requests));
  const broken = await cutOften(requests, (paced) => client.classification.classifyStream(paced));
  const told = (answers: typeof plain) =>
    answers.map((answer) => 'result' in answer && [answer.index, answer.result.probabilities]);
  expect(told(broken)).toEqual(told(plain));
});

test('a session goes on with its image, its positions and the same masks', async () => {
  const [encoded] = await pictures();
  const clicks = Array.from({ length: IMAGES }, (_, click) => ({
    ...(click === 0 ? { model: 'tiny', image: { encoded: encoded! } } : {}),
    points: [{ xPx: 5 + 4 * click, yPx: 20 }],
  }));
  const plain = await Promise.all(
    clicks.map(({ points }) =>
      client.interactive.predictMasks({ model: 'tiny', image: { encoded: encoded! }, points }),
    ),
  );
  // One click at a time: one that is overtaken would be dropped.
  const broken = await cutOften(clicks, (paced) => client.interactive.session(paced), { ahead: 0 });
  expect(broken.map(({ index }) => index)).toEqual(clicks.map((_, at) => at));
  expect(broken.map((each) => 'result' in each && 'masks' in each.result && each.result.masks.masks)).toEqual(
    plain.map(({ masks }) => masks),
  );
});

test('a session that stands on another base by now says so', async () => {
  const [encoded] = await pictures();
  const request = { model: 'tiny', image: { encoded: encoded! }, resumeToken: '1.another@7' };
  const answers = collect(client.interactive.session([request as never]));
  await expect(answers).rejects.toMatchObject({ code: 'ILLEGAL_STATE', field: 'resume_token' });
});
