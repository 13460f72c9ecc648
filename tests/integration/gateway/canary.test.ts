// Splits, shadows, hedges, ejection and sizes at a gateway that runs as a process, before real gRPC backends.

import { automedError, type AutomedError } from '../../../services/common/errors';
import { unary } from '../../../services/common/grpc/handlers';
import { serviceDefinition } from '../../../services/common/grpc/proto';
import { AutomedClient } from '../../../services/client';
import { encodeMaskPng } from '../../../services/imaging/mask';
import { modelClient, segmentationClient } from '../../support/api-clients';
import { eventually, startServer, type TestServer } from '../../support/grpc';
import { startProgram, type Program } from '../../support/stack';

const NAME = 'automed.segmentation.v1.SegmentationService';
const MODELS = 'automed.models.v1.ModelService';
const [CURRENT, CANDIDATE] = ['polyp@production', 'polyp@candidate'];
const cleanUp: (() => unknown)[] = [];
afterEach(async () => {
  for (const task of cleanUp.splice(0).reverse()) await task();
});

interface Asked {
  model: string;
  priority: number;
}
type Answer = (asked: Asked) => object | Promise<object>;

interface Backend extends TestServer {
  asked: Asked[];
}

async function backend(answer: Answer = () => ({})): Promise<Backend> {
  const asked: Asked[] = [];
  const running = await startServer((log) => {
    const Segment = unary(log, ({ model, priority }: Asked) => {
      asked.push({ model, priority });
      return answer({ model, priority });
    });
    return [{ name: NAME, definition: serviceDefinition(NAME), implementation: { Segment } }];
  });
  cleanUp.push(() => running.server.drain(0));
  return Object.assign(running, { asked });
}

type Segment = (options?: { key?: string; model?: string; bytes?: number }) => Promise<string>;

async function gatewayWith(table: {
  rules: object[];
  sizes?: object[];
}): Promise<{ gateway: Program; segment: Segment }> {
  const rules = table.rules.map((rule) => ({ service: NAME, ...rule }));
  const gateway = await startProgram('gateway', { AUTOMED_ROUTES: JSON.stringify({ ...table, rules }) });
  const client = segmentationClient(gateway.address);
  cleanUp.push(
    () => gateway.stop(),
    () => client.close(),
  );
  const segment: Segment = ({ key, model = CURRENT, bytes = 100 } = {}) => {
    const metadata = key === undefined ? {} : { 'automed-sticky-key': key };
    const image = { encoded: Buffer.alloc(bytes) };
    return client.unary('Segment', { model, image }, { timeoutMs: 20_000, metadata }).then(
      () => 'OK',
      (error: AutomedError) => error.code,
    );
  };
  return { gateway, segment };
}

const models = ({ asked }: Backend): Record<string, number> => {
  const counts: Record<string, number> = {};
  for (const { model } of asked) counts[model] = (counts[model] ?? 0) + 1;
  return counts;
};

/** What the gateway says of itself. */
async function traffic({ address }: Program) {
  const client = new AutomedClient(address);
  return client.gateway.traffic().finally(() => client.close());
}

async function metrics({ metricsAddress }: Program): Promise<string> {
  return (await fetch(`http://${metricsAddress}/metrics`)).text();
}

const SPLIT = [
  { model: CURRENT, weight: 90 },
  { model: CANDIDATE, weight: 10 },
];

test('ten of a hundred calls of an alias go to the candidate, and those of one key always the same way', async () => {
  const one = await backend();
  const { segment, gateway } = await gatewayWith({
    rules: [{ backends: [one.address], alias: 'production', split: SPLIT }],
  });
  for (let at = 0; at < 50; at += 1) expect(await segment()).toBe('OK');
  expect(models(one)).toEqual({ [CURRENT]: 45, [CANDIDATE]: 5 });
  one.asked.length = 0;
  for (let at = 0; at < 20; at += 1) await segment({ key: 'patient-7' });
  expect(Object.keys(models(one))).toHaveLength(1);
  expect(await metrics(gateway)).toMatch(/automed_gateway_split_total\{model="polyp@candidate".* \d+/);
});

test('a candidate that is not there, or fails, costs no caller an answer', async () => {
  const one = await backend(({ model }) => {
    if (model === CANDIDATE) throw automedError('NOT_FOUND', 'no such alias', { field: 'model' });
    return {};
  });
  const { segment, gateway } = await gatewayWith({ rules: [{ backends: [one.address], split: SPLIT }] });
  for (let at = 0; at < 40; at += 1) expect(await segment()).toBe('OK');
  expect(models(one)).toEqual({ [CURRENT]: 40, [CANDIDATE]: 4 });
  expect(await metrics(gateway)).toMatch(/automed_gateway_fallbacks_total\{model="polyp@candidate".* 4\n/);
  const { canaries, replicas, methods } = await traffic(gateway);
  expect(canaries).toEqual([
    { model: CANDIDATE, callCount: '4', fallbackCount: '4' },
    { model: CURRENT, callCount: '36', fallbackCount: '0' },
  ]);
  expect(replicas).toEqual([{ backend: one.address, member: one.address, serving: [NAME], notServing: [] }]);
  const [segments] = methods.filter(({ method }) => method === `${NAME}/Segment`);
  expect(segments).toMatchObject({ callCount: '40', errorCount: '0', inFlightCount: 0 });
  expect(segments?.p95Seconds).toBeGreaterThan(0);
});

test('a candidate whose backends are not ready gets no call', async () => {
  const [one, sick] = [await backend(), await backend()];
  sick.health.set(NAME, 'NOT_SERVING');
  const split = [SPLIT[0], { ...SPLIT[1], backends: [sick.address] }];
  const { segment } = await gatewayWith({ rules: [{ backends: [one.address], split }] });
  for (let at = 0; at < 20; at += 1) expect(await segment()).toBe('OK');
  expect([models(one), models(sick)]).toEqual([{ [CURRENT]: 20 }, {}]);
  sick.health.set(NAME, 'SERVING');
  await eventually(async () => (await segment()) === 'OK' && sick.asked.length > 0);
});

test('a candidate in the shadow gets copies of the lowest priority, and its answers are compared and dropped', async () => {
  const half = Uint8Array.from({ length: 64 }, (_, at) => (at < 32 ? 1 : 0));
  const whole = new Uint8Array(64).fill(1);
  const one = await backend(async ({ model }) => ({
    masks: [{ png: await encodeMaskPng(model === CANDIDATE ? whole : half, 8, 8), widthPx: 8, heightPx: 8 }],
  }));
  const shadow = { model: CANDIDATE, fraction: 1 };
  const { segment, gateway } = await gatewayWith({ rules: [{ backends: [one.address], shadow }] });
  const compared = (text: string): number => Number(/shadow_agreement_count\{.*\} (\d+)/.exec(text)?.[1]);
  for (let at = 0; at < 3; at += 1) {
    expect(await segment()).toBe('OK');
    // Two copies at a time: a third would be dropped where the comparison of an earlier one is slow.
    await eventually(async () => metrics(gateway).then((text) => compared(text) === at + 1));
  }
  expect(one.asked.filter(({ model }) => model === CANDIDATE).map(({ priority }) => priority)).toEqual([
    -100, -100, -100,
  ]);
  const text = await metrics(gateway);
  // Dice of a half and a whole: 2 x 32 / 96.
  expect(Number(/automed_gateway_shadow_agreement_sum\{.*\} ([\d.]+)/.exec(text)?.[1]) / 3).toBeCloseTo(2 / 3, 6);
  expect(text).toMatch(/automed_gateway_shadow_calls_total\{model="polyp@candidate",outcome="compared".* 3\n/);
  const { shadows } = await traffic(gateway);
  expect(shadows).toMatchObject([{ model: CANDIDATE, outcomes: [{ name: 'compared', count: '3' }] }]);
  expect(shadows[0]?.agreement).toBeCloseTo(2 / 3, 6);
  expect(shadows[0]?.candidateSeconds).toBeGreaterThan(0);
});

test('a shadow that fails or is slow is noticed by metrics alone', async () => {
  const one = await backend(({ model }) => {
    if (model === CANDIDATE) throw automedError('INTERNAL', 'broken');
    return {};
  });
  const shadow = { model: CANDIDATE, fraction: 1 };
  const { segment, gateway } = await gatewayWith({ rules: [{ backends: [one.address], shadow }] });
  expect(await segment()).toBe('OK');
  await eventually(async () => /shadow_calls_total\{.*outcome="failed".* 1\n/.test(await metrics(gateway)));
});

test('a hedged call is answered by a second backend when the first takes long', async () => {
  const stuck = await backend(() => new Promise(() => undefined));
  const well = await backend();
  const { segment } = await gatewayWith({ rules: [{ backends: [stuck.address, well.address], hedgeMs: 50 }] });
  for (let at = 0; at < 6; at += 1) expect(await segment()).toBe('OK');
  expect(stuck.asked.length).toBeGreaterThan(0);
  expect(well.asked).toHaveLength(6);
});

test('a hedge for which there is no backend any more costs no answer', async () => {
  const only: Backend = await backend(async () => {
    only.health.set(NAME, 'NOT_SERVING');
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    return {};
  });
  const { segment } = await gatewayWith({ rules: [{ backends: [only.address], hedgeMs: 500 }] });
  expect(await segment()).toBe('OK');
});

test('a split sends no change, and no call that names no model, elsewhere', async () => {
  const asked: object[] = [];
  const running = await startServer((log) => {
    const seen = unary(log, (request: object) => {
      asked.push(request);
      return {};
    });
    return [
      { name: MODELS, definition: serviceDefinition(MODELS), implementation: { DeleteModel: seen, GetBase: seen } },
    ];
  });
  cleanUp.push(() => running.server.drain(0));
  const split = [
    { model: CURRENT, weight: 0 },
    { model: CANDIDATE, weight: 1 },
  ];
  const { gateway } = await gatewayWith({ rules: [{ service: MODELS, backends: [running.address], split }] });
  const client = modelClient(gateway.address);
  cleanUp.push(() => client.close());
  await client.unary('DeleteModel', { model: 'polyp@3' }, { timeoutMs: 20_000 });
  await client.unary('GetBase', { base: 'sam' }, { timeoutMs: 20_000 });
  expect(asked).toMatchObject([{ model: 'polyp@3' }, { base: 'sam' }]);
});

test('a backend that says it is well and fails is put aside', async () => {
  const failing = await backend(() => {
    throw automedError('INTERNAL', 'broken');
  });
  const well = await backend();
  const { segment, gateway } = await gatewayWith({ rules: [{ backends: [failing.address, well.address] }] });
  const results: string[] = [];
  for (let at = 0; at < 20; at += 1) results.push(await segment());
  expect(results.filter((each) => each !== 'OK')).toHaveLength(5);
  expect(failing.asked).toHaveLength(5);
  expect(await metrics(gateway)).toMatch(/automed_gateway_ejections_total\{.* 1\n/);
});

test('a method takes no message beyond its size', async () => {
  const one = await backend();
  const sizes = [{ method: `${NAME}/*`, maxBytes: 1_000 }];
  const { segment } = await gatewayWith({ rules: [{ backends: [one.address] }], sizes });
  expect(await segment({ bytes: 500 })).toBe('OK');
  expect(await segment({ bytes: 2_000 })).toBe('INVALID_ARGUMENT');
  expect(one.asked).toHaveLength(1);
});
