// Spans of gateway and service, as a collector gets them.

import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CallSettings } from '../../../services/common/grpc/client';
import { interactiveClient, segmentationClient } from '../../support/api-clients';
import { eventually } from '../../support/grpc';
import { GREY, png } from '../../support/images';
import { startOtlpReceiver, type OtlpReceiver, type ReceivedSpan } from '../../support/otlp-receiver';
import { startProgram, type Program } from '../../support/stack';
import { makeStore } from '../../support/stack-store';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const PARENT = 'b7ad6b7169203331';
const SEGMENT = 'automed.segmentation.v1.SegmentationService/Segment';
const home = mkdtempSync(join(tmpdir(), 'automed-traces-'));
const image = { encoded: png(64, 64, GREY, 8, Buffer.alloc(64 * 64, 90)) };

/** Takes a while. */
const large = { encoded: png(6000, 6000, GREY, 8, Buffer.alloc(6000 * 6000, 90)) };

let receiver: OtlpReceiver;
let inference: Program;
let gateway: Program;

beforeAll(async () => {
  receiver = await startOtlpReceiver();
  await (await makeStore(home)).addSegmentation('polyp');
  const settings = { AUTOMED_TRACES_URL: receiver.url, OTEL_BSP_SCHEDULE_DELAY: '100' };
  inference = await startProgram('inference', { AUTOMED_HOME: home, AUTOMED_PRELOAD: 'polyp', ...settings });
  gateway = await startProgram('gateway', {
    AUTOMED_SEGMENTATION_BACKENDS: inference.address,
    AUTOMED_CLASSIFICATION_BACKENDS: '',
    AUTOMED_TRAINING_BACKENDS: '',
    AUTOMED_HTTP_ADDRESS: '127.0.0.1:0',
    ...settings,
  });
});

afterAll(async () => {
  await gateway.stop();
  await inference.stop();
  await receiver.close();
  rmSync(home, { recursive: true });
});

/** The spans of a trace, once as many as expected have arrived. */
async function spansOf(trace: string, count: number): Promise<ReceivedSpan[]> {
  const found = (): ReceivedSpan[] => receiver.spans.filter((span) => span.trace === trace);
  await eventually(() => found().length >= count);
  return found();
}
const named = (spans: ReceivedSpan[], name: string, service?: string): ReceivedSpan => {
  const found = spans.filter((span) => span.name === name && (service === undefined || span.service === service));
  expect(found).toHaveLength(1);
  return found[0]!;
};
const headerOf = (trace: string): Record<string, string> => ({ traceparent: `00-${trace}-${PARENT}-01` });

test('a call is one trace from its caller through gateway and service to the stages of the engine', async () => {
  const client = segmentationClient(gateway.address);
  await client.unary('Segment', { model: 'polyp', image }, { metadata: headerOf(TRACE) });
  client.close();
  const spans = await spansOf(TRACE, 8);
  const outer = named(spans, SEGMENT, 'automed-gateway');
  const inner = named(spans, SEGMENT, 'automed-inference');
  expect(outer).toMatchObject({
    parent: PARENT,
    status: 0,
    attributes: { 'rpc.method': 'Segment', 'automed.model': 'polyp' },
  });
  expect(inner).toMatchObject({
    parent: outer.id,
    attributes: { 'rpc.grpc.status_code': '0', 'automed.model': 'polyp@1' },
  });
  expect(inner.attributes['automed.request_id']).toBe(outer.attributes['automed.request_id']);

  const stages = ['decode', 'queue', 'preprocess', 'encode', 'decode-mask', 'encode-answer'].map((name) =>
    named(spans, name),
  );
  for (const each of stages) {
    expect(each.parent).toBe(inner.id);
    expect(each.start >= inner.start && each.end <= inner.end).toBe(true);
  }
  // One after another, to the millisecond that the clocks of both sides differ by.
  for (const [index, each] of stages.slice(1).entries())
    expect(each.start + 2_000_000n >= stages[index]!.end).toBe(true);
});

test('log lines of both programs name the trace, beside the request and the model', async () => {
  const trace = '1'.repeat(32);
  const client = segmentationClient(gateway.address);
  await client.unary(
    'Segment',
    { model: 'polyp', image },
    { metadata: { ...headerOf(trace), 'x-request-id': 'log-1' } },
  );
  client.close();
  for (const program of [gateway, inference]) {
    await eventually(() => program.lines.some((line) => line['requestId'] === 'log-1'));
    expect(program.lines.find((line) => line['requestId'] === 'log-1')).toMatchObject({
      trace,
      event: 'call',
      model: expect.stringMatching(/^polyp/),
    });
  }
});

/** Opens a session of the trace and resolves to it once its image is encoded. */
async function openSession(address: string, trace: string, settings: CallSettings = {}) {
  const client = interactiveClient(address);
  const call = client.stream('InteractiveSession', { metadata: headerOf(trace), ...settings });
  call.on('error', () => undefined);
  call.write({ model: 'polyp', image });
  await new Promise((resolve) => call.once('data', resolve));
  call.resume();
  return client;
}

/** A way to an address that can be cut, as when a machine at the other end is gone. */
async function cuttable(address: string): Promise<{ address: string; cut: () => void }> {
  const sockets: Socket[] = [];
  const server = createServer((near) => {
    const far = connect(Number(address.split(':')[1]), '127.0.0.1');
    sockets.push(near, far);
    for (const socket of [near, far]) socket.on('error', () => undefined);
    near.pipe(far).pipe(near);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const cut = (): void => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  return { address: `127.0.0.1:${(server.address() as AddressInfo).port}`, cut };
}

test('a cancelled, an abandoned and a late call have their spans, with their codes', async () => {
  const [cancelled, late, abandoned] = ['2', '3', '4'].map((digit) => digit.repeat(32)) as [string, string, string];
  const abort = new AbortController();
  const way = await cuttable(gateway.address);
  const clients = await Promise.all([
    openSession(gateway.address, late, { timeoutMs: 3_000 }),
    openSession(way.address, abandoned),
  ]);
  way.cut();
  const client = segmentationClient(gateway.address);
  const answer = client.unary(
    'Segment',
    { model: 'polyp', image: large },
    { metadata: headerOf(cancelled), signal: abort.signal },
  );
  await new Promise((resolve) => setTimeout(resolve, 100));
  abort.abort();
  await expect(answer).rejects.toMatchObject({ code: 'CANCELLED' });
  client.close();
  const codes = async (trace: string): Promise<string[]> => {
    const found = (): ReceivedSpan[] =>
      receiver.spans.filter((span) => span.trace === trace && span.name.startsWith('automed.'));
    await eventually(() => found().length === 2);
    return found()
      .map(({ service, attributes }) => `${service} ${String(attributes['rpc.grpc.status_code'])}`)
      .sort();
  };
  expect(await codes(cancelled)).toEqual(['automed-gateway 1', 'automed-inference 1']);
  // Node sends the end of an open stream before its cancellation, so an idle session may end well behind the gateway.
  expect(await codes(abandoned)).toEqual(['automed-gateway 1', expect.stringMatching(/^automed-inference [01]$/)]);
  expect(await codes(late)).toEqual(['automed-gateway 4', expect.stringMatching(/^automed-inference [014]$/)]);
  for (const client of clients) client.close();
});

test('a refused call has its status; a call over HTTP/JSON is part of its caller’s trace', async () => {
  const trace = '5'.repeat(32);
  const response = await fetch(`http://${gateway.httpAddress}/v1/${SEGMENT}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headerOf(trace) },
    body: JSON.stringify({ model: 'nobody', image: { encoded: image.encoded.toString('base64') } }),
  });
  expect(response.status).toBe(404);
  const spans = await spansOf(trace, 2);
  for (const span of spans) expect(span.attributes['rpc.grpc.status_code']).toBe('5');
  expect(spans.find(({ service }) => service === 'automed-gateway')?.parent).toBe(PARENT);
});

test('nothing is sent by a program whose caller does not sample, nor for health', async () => {
  const trace = '6'.repeat(32);
  const client = segmentationClient(gateway.address);
  await client.unary('Segment', { model: 'polyp', image }, { metadata: { traceparent: `00-${trace}-${PARENT}-00` } });
  await client.unary('Segment', { model: 'polyp', image }, { metadata: headerOf('7'.repeat(32)) });
  client.close();
  await spansOf('7'.repeat(32), 2);
  expect(receiver.spans.filter((span) => span.trace === trace)).toEqual([]);
  expect(receiver.spans.filter(({ name }) => name.startsWith('grpc.'))).toEqual([]);
});
