#!/usr/bin/env bash
# A server of @grpc/grpc-js 1.14.7 (npm) keeps the deadline of a call as milliseconds in 32 bits with a sign, and lets the rest
# wrap around. Valid input: `grpc-timeout` of 20, 30 and 60 days in hours (up to eight digits are allowed), a handler that
# needs 200 ms. Seen, in days that the handler has left: 20 are 20; 30 are -19.7, and the call ends with DEADLINE_EXCEEDED (4);
# 60 are 10.3, and the call succeeds. A grpc-js client with the same deadlines gets the same. Fails when that changes. "No limit"
# written as some weeks thus fails, and as some months works. Automed takes a far deadline for none before grpc-js reads it
# (services/common/grpc/incoming-headers.ts).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --prefix . @grpc/grpc-js@1.14.7
cat >run.cjs <<'JS'
const { connect } = require('node:http2');
const grpc = require('@grpc/grpc-js');
const same = (bytes) => bytes;
const service = {
  Left: {
    path: '/t.T/Left', requestStream: false, responseStream: false, requestSerialize: same, requestDeserialize: same,
    responseSerialize: same, responseDeserialize: same,
  },
};
const DAY = 24 * 3_600_000;
const server = new grpc.Server();
const left = [];
server.addService(service, {
  Left: (call, answer) => {
    left.push(((new Date(call.getDeadline()) - Date.now()) / DAY).toFixed(1));
    setTimeout(() => answer(null, Buffer.from('x')), 200);
  },
});
function plain(port, hours) {
  return new Promise((done) => {
    const session = connect(`http://127.0.0.1:${port}`);
    const call = session.request({
      ':method': 'POST', ':path': '/t.T/Left', 'content-type': 'application/grpc', te: 'trailers', 'grpc-timeout': `${hours}H`,
    });
    let status = NaN;
    const take = (headers) => (status = Number(headers['grpc-status'] ?? status));
    call.on('response', take).on('trailers', take).resume();
    call.on('close', () => {
      session.close();
      done(status);
    });
    call.end(Buffer.from([0, 0, 0, 0, 1, 1]));
  });
}
server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), async (_error, port) => {
  const Client = grpc.makeGenericClientConstructor(service, 'T');
  const client = new Client(`127.0.0.1:${port}`, grpc.credentials.createInsecure());
  const own = (days) =>
    new Promise((done) => {
      client.Left(Buffer.from([1]), { deadline: Date.now() + days * DAY }, (error) => done(error?.code ?? 0));
    });
  const status = [];
  for (const days of [20, 30, 60]) {
    status.push(await plain(port, days * 24), await own(days));
    console.log(`${days} days: left ${left.slice(-2).join(' and ')}, status ${status.slice(-2).join(' and ')}`);
  }
  process.exit(status.join() === '0,0,4,4,0,0' && left.join() === '20.0,20.0,-19.7,-19.7,10.3,10.3' ? 0 : 1);
});
JS
node run.cjs
