// Hostile calls of every method through the gateway: no program ends, nothing hangs, and bad input is never INTERNAL.
// AUTOMED_FUZZ_COUNT draws another number of calls, AUTOMED_FUZZ_SEED other ones.

import { createFileRegistry, fromBinary, type DescMethod } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { Client, credentials, Metadata, status as Code } from '@grpc/grpc-js';
import sharp from 'sharp';
import { protoRoot, serviceNames } from '../../services/common/grpc/proto';
import { compiledDescriptors } from '../../services/common/grpc/reflection';
import { draws } from '../support/chaos';
import { temporaryFolder } from '../support/data';
import { BIG_ENDIAN, dicomFile, greyDicom, greyElements, IMPLICIT } from '../support/dicom';
import { childrenOf, startProgram, type Program } from '../support/stack';
import { makeStore } from '../support/stack-store';
import { damaged, damagedImage, extreme, noise } from './hostile';

const count = Number(process.env['AUTOMED_FUZZ_COUNT'] ?? 100_000);
const random = draws(Number(process.env['AUTOMED_FUZZ_SEED'] ?? 1));
const AT_ONCE = 8;
const HANG_MS = 5_000;
/** Streams that last, and what takes seconds by design: a grid of prompts, a worker process that is started. */
const LASTS = /\/(Watch|.*Stream|InteractiveSession|SegmentEverything|CreateBase|ImportBase)/;
/** Only noise: what they would undo is what the others are about. */
const SPARED = /\/(Delete|Unload|Prune)/;
/** Methods that decode an image, and a model that they know: every second call. */
const DECODES: readonly (readonly [method: RegExp, model: string])[] = [
  [/\.SegmentationService\/|\.AnalysisService\//, 'polyp'],
  [/\.ClassificationService\//, 'tumour'],
  [/\/(EncodeImage|PredictMasks|InteractiveSession)$/, 'tiny'],
];
const JPEG_BASELINE = '1.2.840.10008.1.2.4.50';
const home = temporaryFolder();
const same = (bytes: Buffer): Buffer => bytes;

interface Method {
  path: string;
  descriptor: DescMethod;
}

async function images(): Promise<Buffer[]> {
  const raw = { width: 40, height: 30, channels: 3 as const };
  const picture = sharp(Buffer.alloc(40 * 30 * 3, 120), { raw });
  const coded = [picture.png(), picture.jpeg(), picture.tiff(), picture.webp()].map((each) => each.toBuffer());
  const side = { width: 8, height: 8 };
  const values = Array.from({ length: 64 }, (_, at) => at * 10);
  const jpeg = await sharp(Buffer.alloc(64, 90), { raw: { ...side, channels: 1 } })
    .jpeg()
    .toBuffer();
  return [
    ...(await Promise.all(coded)),
    ...[undefined, IMPLICIT, BIG_ENDIAN].map((syntax) => greyDicom({ ...side, values, ...(syntax && { syntax }) })),
    greyDicom({ ...side, frames: 2, bits: 8, values: [...values, ...values].map((each) => each % 256) }),
    dicomFile(greyElements({ ...side, bits: 8 }), JPEG_BASELINE, [jpeg]),
  ];
}

/** Sends one message as the whole of a call; resolves to its status. */
function call(client: Client, path: string, bytes: Buffer): Promise<Code> {
  return new Promise((resolve) => {
    const deadline = Date.now() + HANG_MS;
    const made = client.makeBidiStreamRequest(path, same, same, new Metadata(), { deadline });
    made.on('data', () => undefined).on('error', () => undefined);
    made.once('status', ({ code }) => resolve(code));
    made.end(bytes);
  });
}

const modelFor = (path: string): string | undefined => DECODES.find(([method]) => method.test(path))?.[1];

function hostile({ path, descriptor }: Method, files: readonly Buffer[]): Buffer {
  const kind = random();
  const model = modelFor(path);
  if (model !== undefined && kind < 0.6) return damagedImage(random, descriptor.input, files, model);
  if (kind < 0.25 || SPARED.test(path)) return noise(random);
  const bytes = extreme(random, descriptor.input, files);
  return kind < 0.4 ? damaged(random, bytes) : bytes;
}

test(`${count} hostile calls: no crash, no hang, no INTERNAL`, async () => {
  const store = await makeStore(home);
  await store.addSegmentation('polyp');
  await store.addClassification('tumour');
  const settings = { AUTOMED_HOME: home, AUTOMED_LOG_LEVEL: 'error' };
  const inference = await startProgram('inference', { ...settings, AUTOMED_DECODE_PROCESSES: '2' });
  const decoders = childrenOf(inference);
  const training = await startProgram('training', { ...settings, AUTOMED_TRAINING_RUNS: 'nothing' });
  const gateway = await startProgram('gateway', {
    AUTOMED_SEGMENTATION_BACKENDS: inference.address,
    AUTOMED_CLASSIFICATION_BACKENDS: inference.address,
    AUTOMED_TRAINING_BACKENDS: training.address,
    AUTOMED_LOG_LEVEL: 'error',
  });
  const programs: [string, Program][] = [...Object.entries({ inference, training, gateway })];
  const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, compiledDescriptors(protoRoot())));
  const methods = serviceNames()
    .filter((name) => !name.includes('.pacs.'))
    .flatMap((name) => registry.getService(name)?.methods ?? [])
    .map((descriptor): Method => ({ path: `/${descriptor.parent.typeName}/${descriptor.name}`, descriptor }));
  const decoding = methods.filter(({ path }) => modelFor(path) !== undefined);
  expect(decoding).toHaveLength(9);
  const files = await images();

  const counts = new Map<string, number>();
  const faults: string[] = [];
  let made = 0;
  const caller = async (): Promise<void> => {
    const client = new Client(gateway.address, credentials.createInsecure());
    while (made < count) {
      made += 1;
      const among = made % 2 === 0 ? decoding : methods;
      const method = among[(made >> 1) % among.length] as Method;
      const bytes = hostile(method, files);
      const code = await call(client, method.path, bytes);
      counts.set(Code[code], (counts.get(Code[code]) ?? 0) + 1);
      const hung = code === Code.DEADLINE_EXCEEDED && !LASTS.test(method.path);
      const internal = [Code.INTERNAL, Code.UNKNOWN, Code.DATA_LOSS].includes(code);
      if (hung || internal) faults.push(`${Code[code]} ${method.path} ${bytes.toString('base64').slice(0, 2_000)}`);
    }
    client.close();
  };
  await Promise.all(Array.from({ length: AT_ONCE }, caller));

  process.stderr.write(`${made} calls: ${[...counts].map(([code, each]) => `${code} ${each}`).join(', ')}\n`);
  expect(faults).toEqual([]);
  expect(programs.filter(([, { child }]) => child.exitCode !== null || child.signalCode !== null)).toEqual([]);
  expect(childrenOf(inference)).toEqual(decoders);
  await gateway.stop();
  await Promise.all([inference.stop(), training.stop()]);
});
