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
import { classificationClient, segmentationClient } from '../support/api-clients';
import { unpackBits } from '../../services/imaging/mask';

const PACKAGES = ['grpcio', 'grpcio-tools', 'protobuf'];
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
  await store.addClassification('tumour');
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

run('a client that Python generates from the Open Inference Protocol infers as ours does', async () => {
  const { address } = gateway as Program;
  const image = await discImage();
  const path = join(folder, 'infer.png');
  writeFileSync(path, image.png);
  const script = join(__dirname, 'foreign-client', 'open_inference.py');
  const proto = join(__dirname, '../../proto/inference/grpc_predict_v2.proto');
  const { stdout } = await promisify(execFile)('python3', [script, address, proto, path], {
    env: { ...process.env, PYTHONPATH: packages },
  });
  const theirs = JSON.parse(stdout) as Record<string, unknown>;

  const request = { image: { encoded: image.png } };
  const segmentation = segmentationClient(address);
  const { masks } = await segmentation.unary('Segment', { ...request, model: 'polyp', threshold: 0.5, maskFormat: 3 });
  segmentation.close();
  const pixels = unpackBits(masks[0]?.packedBits ?? Buffer.alloc(0), 300 * 200);
  const classification = classificationClient(address);
  const { probabilities } = await classification.unary('Classify', { ...request, model: 'tumour' });
  classification.close();
  const floats = Buffer.from(Float32Array.from(probabilities.map(({ probability }) => probability)).buffer);

  expect(theirs).toMatchObject({
    ...{ live: true, ready: true, server: 'automed', ready_after: true, ready_unknown: false },
    ...{ id: '7', version: '1', versions: ['1'], same: true, chosen: ['structures'], pixels: [1, 32, 64] },
    inputs: [['image', 'BYTES', [1]]],
    outputs: [
      ['masks', 'UINT8', [1, -1, -1]],
      ['structures', 'BYTES', [1]],
      ['mean_foreground_probability', 'FP32', [1]],
    ],
    segmentation: { masks: { datatype: 'UINT8', shape: [1, 200, 300], data: Buffer.from(pixels).toString('hex') } },
    classification: {
      probabilities: { datatype: 'FP32', shape: [3], data: floats.toString('hex') },
      classes: { datatype: 'BYTES', shape: [3] },
    },
    ...{ wrong_output: 'INVALID_ARGUMENT', wrong_shape: 'INVALID_ARGUMENT', wrong_size: 'INVALID_ARGUMENT' },
    ...{ wrong_model: 'NOT_FOUND', no_model: 'INVALID_ARGUMENT' },
  });
});
