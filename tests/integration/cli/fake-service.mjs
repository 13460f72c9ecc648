// A service that does nothing but listen, or fail in the way that FAKE_MODE asks for.

import { createServer } from 'node:net';

const mode = process.env.FAKE_MODE;
if (mode === 'crash') throw new Error('the moon is full');
if (mode === 'logged') {
  console.log(JSON.stringify({ level: 'fatal', message: 'cannot start', err: { message: 'the port is taken' } }));
  process.exit(3);
}
const [host, port] = process.env.AUTOMED_ADDRESS.split(':');
const server = createServer((socket) => socket.end(String(process.pid)));
process.on('disconnect', () => process.exit(0));
process.on('SIGTERM', () => {
  if (mode === 'stubborn') return;
  server.close();
  process.exit(0);
});
if (mode === 'silent') setInterval(() => {}, 1000);
else {
  server.listen(Number(port), host, () => {
    process.send({ type: 'listening', address: `${host}:${server.address().port}` });
  });
}
