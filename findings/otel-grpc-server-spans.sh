#!/usr/bin/env bash
# @opentelemetry/instrumentation-grpc 0.223.0 (npm) on @grpc/grpc-js 1.14.7 ends a server's span by what the handler says, not by
# what the client got. Valid input: a unary call whose handler takes 400 ms, with a deadline of 100 ms, and a stream that its
# client cancels. Seen: the client gets DEADLINE_EXCEEDED (4) while the server's span has the gRPC status 0 and no error, and the
# cancelled stream (1 at the client) leaves no server span at all. The spans of both clients are right, and a handler's error
# (5) is in both. Fails when that changes. Automed logs calls by an interceptor of its own, which also sees the cancelled ones.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --prefix . @grpc/grpc-js@1.14.7 @opentelemetry/instrumentation-grpc@0.223.0 \
  @opentelemetry/instrumentation@0.223.0 @opentelemetry/sdk-trace-node@2.12.1
cat >run.cjs <<'JS'
const { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } = require('@opentelemetry/sdk-trace-node');
const { registerInstrumentations } = require('@opentelemetry/instrumentation');
const { GrpcInstrumentation } = require('@opentelemetry/instrumentation-grpc');
const exporter = new InMemorySpanExporter();
const tracerProvider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
tracerProvider.register();
registerInstrumentations({ tracerProvider, instrumentations: [new GrpcInstrumentation()] });
const grpc = require('@grpc/grpc-js');

const same = (bytes) => bytes;
const method = (name, responseStream) => ({
  path: `/t.T/${name}`, requestStream: false, responseStream, requestSerialize: same, requestDeserialize: same,
  responseSerialize: same, responseDeserialize: same,
});
const service = { Fail: method('Fail', false), Slow: method('Slow', false), Watch: method('Watch', true) };
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
const server = new grpc.Server();
server.addService(service, {
  Fail: (_call, answer) => answer({ code: 5, details: 'none' }),
  Slow: (_call, answer) => void sleep(400).then(() => answer(null, Buffer.from('x'))),
  Watch: (call) => void call.write(Buffer.from('x')),
});
server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), async (_error, port) => {
  const Client = grpc.makeGenericClientConstructor(service, 'T');
  const client = new Client(`127.0.0.1:${port}`, grpc.credentials.createInsecure());
  await new Promise((done) => client.Fail(Buffer.alloc(1), done));
  await new Promise((done) => client.Slow(Buffer.alloc(1), { deadline: Date.now() + 100 }, done));
  await new Promise((done) => {
    const stream = client.Watch(Buffer.alloc(1));
    stream.on('data', () => stream.cancel()).on('error', done);
  });
  await sleep(1000);
  const status = {};
  for (const { kind, name, attributes } of exporter.getFinishedSpans()) {
    status[`${kind === 1 ? 'server' : 'client'} ${name.split('/').pop()}`] = attributes['rpc.grpc.status_code'];
  }
  console.log(status);
  const clients = status['client Fail'] === 5 && status['client Slow'] === 4 && status['client Watch'] === 1;
  const servers = status['server Fail'] === 5 && status['server Slow'] === 0 && !('server Watch' in status);
  process.exit(clients && servers ? 0 : 1);
});
JS
node run.cjs
