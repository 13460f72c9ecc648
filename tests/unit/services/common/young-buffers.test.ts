import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { YoungBuffers } from '../../../../services/common/young-buffers';

const MIB = 1024 * 1024;

/** A young generation whose buffers a scavenge frees. */
function generation(begin: number) {
  return {
    external: begin,
    scavenges: 0,
    externalBytes(): number {
      return this.external;
    },
    scavenge(): void {
      this.scavenges += 1;
      this.external = begin;
    },
  };
}

/** Calls that leave so many bytes each. */
async function calls(count: number, bytes: number, of: ReturnType<typeof generation>): Promise<void> {
  const buffers = new YoungBuffers(of);
  buffers.look();
  for (let call = 0; call < count; call += 1) {
    of.external += bytes;
    buffers.look();
    await nextTurn();
  }
}

it('scavenges each time that calls left 16 MiB, long before V8 marks its heap', async () => {
  const young = generation(100 * MIB);
  await calls(63, 2 * MIB, young);
  expect(young.scavenges).toBe(7); // after each, one call tells what is left
});

it('leaves V8 alone while calls are small', async () => {
  const young = generation(0);
  await calls(1000, 1024, young);
  expect(young.scavenges).toBe(0);
});

it('asks once for the calls that end together', async () => {
  const young = generation(0);
  const buffers = new YoungBuffers(young);
  buffers.look();
  young.external = 50 * MIB;
  buffers.look();
  buffers.look();
  await nextTurn();
  expect(young.scavenges).toBe(1);
});

it('frees the buffers of this process', async () => {
  const buffers = new YoungBuffers();
  const before = process.memoryUsage().arrayBuffers;
  buffers.look();
  for (let call = 0; call < 24; call += 1) Buffer.alloc(MIB, 1);
  expect(process.memoryUsage().arrayBuffers - before).toBeGreaterThan(16 * MIB);
  buffers.look();
  await sleep(50); // V8 frees them on another thread
  Buffer.alloc(MIB, 1);
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(8 * MIB);
});
