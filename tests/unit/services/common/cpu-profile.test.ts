// Over HTTP, as an operator asks.

import { Telemetry } from '../../../../services/common/telemetry';

const open: Telemetry[] = [];
afterEach(async () => {
  for (const each of open.splice(0)) await each.close();
});

async function listening(address = '127.0.0.1:0'): Promise<string> {
  const telemetry = new Telemetry('test');
  open.push(telemetry);
  const port = (await telemetry.listen(address)).split(':').at(-1) ?? '';
  return `http://127.0.0.1:${port}/debug/cpu-profile`;
}

/** Keeps the thread busy until told to stop. */
function spinning(): { stop: () => void } {
  let busy = true;
  const spinForTheProfile = (): void => {
    const until = performance.now() + 5;
    while (performance.now() < until) Math.sqrt(Math.random());
    if (busy) setImmediate(spinForTheProfile);
  };
  spinForTheProfile();
  return { stop: () => (busy = false) };
}

interface Profile {
  nodes: { id: number; callFrame: { functionName: string } }[];
  samples: number[];
  timeDeltas: number[];
  startTime: number;
  endTime: number;
}

test('a profile names what the thread did', async () => {
  const url = await listening();
  const work = spinning();
  const answer = await fetch(`${url}?seconds=1`).finally(work.stop);
  expect(answer.status).toBe(200);
  expect(answer.headers.get('content-disposition')).toContain('.cpuprofile');
  const { nodes, samples, timeDeltas, startTime, endTime } = (await answer.json()) as Profile;
  expect(samples.length).toBe(timeDeltas.length);
  expect(endTime - startTime).toBeGreaterThanOrEqual(990_000);
  // On the stack of some sample; at the top of it may be what it calls.
  expect(nodes.map(({ callFrame }) => callFrame.functionName)).toContain('spinForTheProfile');
});

test('one at a time, and the next when its caller has gone', async () => {
  const url = await listening();
  const caller = new AbortController();
  const first = fetch(`${url}?seconds=60`, { signal: caller.signal }).catch(() => undefined);
  let status = 0;
  while (status !== 409) ({ status } = await fetch(`${url}?seconds=1`));
  caller.abort();
  await first;
  while (status !== 200) ({ status } = await fetch(`${url}?seconds=1`));
});

test.each(['0', '61', '1.5', '-1', 'x', ''])('seconds=%s is refused', async (seconds) => {
  expect((await fetch(`${await listening()}?seconds=${seconds}`)).status).toBe(400);
});

test('what other machines reach gives no profile, nor does any page', async () => {
  expect((await fetch(`${await listening('0.0.0.0:0')}?seconds=1`)).status).toBe(403);
  const url = await listening();
  expect((await fetch(`${url}?seconds=1`, { headers: { origin: 'https://evil.example' } })).status).toBe(403);
  expect((await fetch(`${url}?seconds=1`, { method: 'POST' })).status).toBe(404);
});
