// Python's grpcio, which shares no code with ours, against the gateway: it lists the services by reflection, segments an
// image, and gets the same mask, bit for bit, as our own client.

import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { temporaryFolder } from '../support/data';
import { pipInstall } from '../support/python';
import { startProgram, type Program } from '../support/stack';
import { discImage } from '../support/stack-images';
import { makeStore } from '../support/stack-store';
import { segmentationClient } from '../support/api-clients';

const PACKAGES = ['grpcio', 'protobuf'];
const folder = temporaryFolder();
const packages = join(folder, 'python');

/** Why Python's gRPC cannot be had; undefined when it can. */
const missing = pipInstall(PACKAGES, packages, 110_000);
const run = missing === undefined ? test : test.skip;

let inference: Program | undefined;
let gateway: Program | undefined;

beforeAll(async () => {
  if (missing !== undefined) {
    process.stderr.write(`skipped: Python's ${PACKAGES.join(', ')} cannot be installed (${missing})\n`);
    return;
  }
  const home = join(folder, 'home');
  const store = await makeStore(home);
  await store.addSegmentation('polyp');
  inference = await startProgram('inference', { AUTOMED_HOME: home });
  gateway = await startProgram('gateway', {
    AUTOMED_SEGMENTATION_BACKENDS: inference.address,
    AUTOMED_CLASSIFICATION_BACKENDS: inference.address,
  });
});

afterAll(async () => {
  await gateway?.stop();
  await inference?.stop();
});

run('a Python client gets the same mask as ours, bit for bit, through the gateway', async () => {
  const { address } = gateway as Program;
  const image = await discImage();
  const path = join(folder, 'image.png');
  writeFileSync(path, image.png);
  const client = segmentationClient(address);
  const ours = async (threshold: number, maskFormat: 1 | 2 | 3) =>
    (await client.unary('Segment', { model: 'polyp', image: { encoded: image.png }, threshold, maskFormat })).masks[0];

  // Random weights: look for a threshold that draws neither nothing nor everything.
  let threshold = 0.02;
  while (threshold < 1) {
    const area = Number((await ours(threshold, 1).catch(() => undefined))?.areaPx ?? 0);
    if (area > 600 && area < 59_400) break;
    threshold += 0.02;
  }

  const script = join(__dirname, 'foreign-client', 'client.py');
  const { stdout } = await promisify(execFile)('python3', [script, address, 'polyp', path, String(threshold)], {
    env: { ...process.env, PYTHONPATH: packages },
  });
  const theirs = JSON.parse(stdout) as Record<string, unknown>;
  const [png, rle, bits] = [await ours(threshold, 1), await ours(threshold, 2), await ours(threshold, 3)];
  expect(theirs).toMatchObject({
    png: png?.png?.toString('base64'),
    coco_rle: rle?.cocoRle,
    packed_bits: bits?.packedBits?.toString('base64'),
    area_px: Number(png?.areaPx),
    model: 'polyp@1',
    unknown_model: 'NOT_FOUND',
  });
  expect(theirs.services).toEqual(
    expect.arrayContaining([
      'automed.classification.v1.ClassificationService',
      'automed.models.v1.ModelService',
      'automed.segmentation.v1.SegmentationService',
    ]),
  );
  client.close();
});
