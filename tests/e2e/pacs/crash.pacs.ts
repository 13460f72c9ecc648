// kill -9 at every step between a received image and a delivered result: each study has exactly one SEG and one SR in a real archive,
// and none is lost. The archive is Orthanc; the sender is storescu.

import { writeSite } from './demo/parts';
import { BRIDGE, Platform, until, withArchive } from './platform';

/** Lines of the log after which the bridge is killed; `received` is the moment at which the sender was told success. */
const STEPS = ['received', 'job-begun', 'job-answered', 'job-written', 'job-done', 'delivery-begun', 'delivered'];
const ROUNDS = Number(process.env['AUTOMED_PACS_ROUNDS'] ?? 2);

withArchive('a bridge that is killed', () => {
  let platform: Platform;
  beforeAll(async () => {
    platform = await Platform.start((folder, orthanc) => writeSite(folder, orthanc, BRIDGE, 'lesion'));
  });
  afterAll(() => platform?.stop());

  const rounds = Array.from({ length: ROUNDS }, (_, round) => STEPS.map((step, at) => [step, round, at] as const));

  it.each(rounds.flat())('after "%s", round %i, loses nothing and sends nothing twice', async (step, round, at) => {
    const study = `1.2.826.0.1.99.${round + 1}.${at + 1}`;
    const seen = platform.bridge.lines.length;
    platform.send(study, { seed: at + round });
    if (step !== 'received') {
      await until(step, () => platform.bridge.lines.slice(seen).some((line) => line['event'] === step));
    }
    await platform.killBridge();
    await until('the study', () => platform.settled(study));
    expect(await platform.archived(study)).toEqual(['SEG', 'SR']);
  });
});
