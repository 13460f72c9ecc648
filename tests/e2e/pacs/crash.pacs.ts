// kill -9 at every step between an image that comes and a result that is delivered: each study has exactly one SEG and one SR in a real
// archive, and none is lost. The archive is Orthanc; the sender is storescu.
//
//   AUTOMED_PACS_ROUNDS=20 npm run test:pacs -- crash

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { storescuArgs, writeSite } from './demo/parts';
import { BRIDGE, Platform, until, withArchive } from './platform';

/** What the bridge logs at the steps of its path; `told` is the moment at which the sender was told success. */
const STEPS = {
  '1 receive': ['object-on-disk'],
  '2 identify': ['object-identified', 'told'],
  '3 complete': ['series-complete'],
  '4 select': ['job-begun', 'series-ordered'],
  '5 decode': ['frame-decoded'],
  '6 infer': ['job-answered'],
  '7 encode': ['result-on-disk'],
  '8 check': ['job-written', 'job-done'],
  '9 deliver': ['delivery-begun', 'delivered'],
};
const ROUNDS = Number(process.env['AUTOMED_PACS_ROUNDS'] ?? 2);

const points = Object.entries(STEPS).flatMap(([step, events]) => events.map((event) => ({ step, event })));
const rounds = Array.from({ length: ROUNDS }, (_, round) => points.map((point, at) => ({ ...point, round, at })));

withArchive('a bridge that is killed', () => {
  let platform: Platform;
  const whole = new Map<string, number>();

  beforeAll(async () => {
    platform = await Platform.start((folder, orthanc) => writeSite(folder, orthanc, BRIDGE, 'lesion'));
  });
  afterAll(async () => {
    await platform?.stop();
    const counts = [...whole].map(([step, count]) => `${step}: ${count}`).join(', ');
    process.stdout.write(`killed, and one SEG and one SR in the archive: ${counts}\n`);
  });

  it.each(rounds.flat())('at $step ($event), round $round, loses nothing and sends nothing twice', async (kill) => {
    const { step, event, round, at } = kill;
    const study = `1.2.826.0.1.99.${round + 1}.${at + 1}`;
    const folder = platform.write(study, { seed: at + round });
    const way = { port: platform.port, from: 'SCANNER', to: BRIDGE };
    const killed = event === 'told' ? undefined : platform.killBridge(event);
    const sender = spawn('storescu', storescuArgs(folder, way), { stdio: 'ignore' });
    const [status] = (await once(sender, 'close')) as [number];
    await (killed ?? platform.killBridge());
    const cut = step === '1 receive' || event === 'object-identified';
    expect({ event, isTold: status === 0 }).toEqual({ event, isTold: !cut });
    // What was not acknowledged is the sender's to send again, all of it.
    if (cut) platform.send(study, { seed: at + round });
    await until('the study', () => platform.settled(study));
    expect(await platform.archived(study)).toEqual(['SEG', 'SR']);
    whole.set(step, (whole.get(step) ?? 0) + 1);
  });
});
