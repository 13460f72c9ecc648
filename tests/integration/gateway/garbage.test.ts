// Images pass through the gateway in buffers outside V8's heap; what frees them must not be the marking of all of it.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pictures } from '../../bench/service/pictures';
import { segmentationClient } from '../../support/api-clients';
import { startProgram, type Program } from '../../support/stack';
import { makeStore } from '../../support/stack-store';

const CALLS = 120;

/** How often V8 has collected all of a program's heap. */
async function majorCollections({ metricsAddress }: Program): Promise<number> {
  const text = await (await fetch(`http://${metricsAddress}/metrics`)).text();
  const [, count = '0'] = /^nodejs_gc_duration_seconds_count\{[^}]*kind="major"[^}]*\} (\d+)/m.exec(text) ?? [];
  return Number(count);
}

it('marks the heap a few times in hundred calls with images', async () => {
  const home = mkdtempSync(join(tmpdir(), 'automed-'));
  const programs: Program[] = [];
  try {
    await (await makeStore(home)).addSegmentation('polyp');
    const inference = await startProgram('inference', { AUTOMED_HOME: home });
    programs.push(inference);
    const backends = { AUTOMED_SEGMENTATION_BACKENDS: inference.address, AUTOMED_CLASSIFICATION_BACKENDS: '' };
    const gateway = await startProgram('gateway', backends);
    programs.push(gateway);
    const client = segmentationClient(gateway.address);
    const images = await pictures('png', 2);
    const call = (at: number): Promise<unknown> =>
      client.unary('Segment', { model: 'polyp', image: { encoded: images[at % images.length]! } });
    for (let at = 0; at < 20; at += 1) await call(at);
    const before = await majorCollections(gateway);
    for (let at = 0; at < CALLS; at += 1) await call(at);
    client.close();
    const bytes = CALLS * images[0]!.length;
    expect(bytes).toBeGreaterThan(50e6);
    expect((await majorCollections(gateway)) - before).toBeLessThanOrEqual(5); // by V8's own measure: 12 and more
  } finally {
    for (const program of programs) await program.stop();
    rmSync(home, { recursive: true, force: true });
  }
});
