// Serving on a newer Node: the addon loads, gateway and inference service start, and both tasks answer over gRPC.
//
//   npm run smoke:node24

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { classificationClient, segmentationClient } from '../support/api-clients';
import { startProgram } from '../support/stack';
import { discImage } from '../support/stack-images';
import { makeStore } from '../support/stack-store';
import { bench } from '../bench/keep-alive';

async function main(): Promise<void> {
  const home = mkdtempSync(join(tmpdir(), 'automed-node-'));
  const store = await makeStore(home);
  await store.addSegmentation('polyp');
  await store.addClassification('tumour');
  const inference = await startProgram('inference', { AUTOMED_HOME: home });
  const gateway = await startProgram('gateway', {
    AUTOMED_SEGMENTATION_BACKENDS: inference.address,
    AUTOMED_CLASSIFICATION_BACKENDS: inference.address,
  });
  const image = { encoded: (await discImage()).png };
  const segmentation = segmentationClient(gateway.address);
  const classification = classificationClient(gateway.address);
  try {
    const { masks } = await segmentation.unary('Segment', { model: 'polyp', image });
    const { probabilities } = await classification.unary('Classify', { model: 'tumour', image });
    if (masks.length !== 1 || probabilities.length !== 3) throw new Error('an answer is not what it should be');
    process.stdout.write(`Node ${process.version}: ${masks.length} mask, ${probabilities.length} classes\n`);
  } finally {
    segmentation.close();
    classification.close();
    const codes = [await gateway.stop(), await inference.stop()];
    rmSync(home, { recursive: true, force: true });
    if (codes.some((code) => code !== 0)) process.exitCode = 1;
  }
}

bench(main);
