// Waits until grpc.health.v1 at an address says SERVING of a name: node probe.mjs HOST:PORT [NAME]

import { Client, credentials } from '@grpc/grpc-js';
import health from 'grpc-health-check';

const TIMEOUT_MS = 120_000;
const client = new Client(process.argv[2], credentials.createInsecure());
const { path, requestSerialize, responseDeserialize } = health.service.Check;
const deadline = Date.now() + TIMEOUT_MS;

function ask() {
  return new Promise((resolve) =>
    client.makeUnaryRequest(
      path,
      requestSerialize,
      responseDeserialize,
      { service: process.argv[3] ?? '' },
      (error, answer) => resolve(error ? error.message : answer.status),
    ),
  );
}

let said = '';
while (Date.now() < deadline) {
  said = await ask();
  if (said === 'SERVING') break;
  await new Promise((resolve) => setTimeout(resolve, 500));
}
if (said !== 'SERVING') {
  console.error(said);
  process.exitCode = 1;
}
client.close();
