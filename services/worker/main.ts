// Entry of the training process: one command in over IPC, events out, then exit. It runs apart so that a crash of native
// code takes one job with it and nothing else.

import { z } from 'zod';
import { automedError } from '../common/errors';
import { packageVersion } from '../common/installation';
import { openStore, referenceOf } from '../store';
import { tryLock } from '../common/file-lock';
import { canMeasureBfloat16, loadNativePrecisionPair } from './adapters/native-agreement';
import { answerNatively } from './adapters/native-golden';
import { writeNativeBackbone, writeNativeBase } from './adapters/native-import';
import { loadNativeEmbedder } from './adapters/native-embedder';
import { loadNativePair } from './adapters/native-pair';
import { loadNativePredictor } from './adapters/native-predictor';
import { createNativeTrainer, initNativeBase, letThreadsSpin, namedNativeHead } from './adapters/native-trainer';
import { compareModels } from './domain/evaluation/compare-models';
import { s3Mirror } from './adapters/s3-mirror';
import { measuresBfloat16 } from './config';
import { createBase } from './domain/bases/create-base';
import { checkDataset } from './domain/data/check-dataset';
import { orderNextLabels } from './domain/data/order-labels';
import { evaluateBase } from './domain/evaluation/evaluate-base';
import { evaluateModel } from './domain/evaluation/evaluate-model';
import { s3Addressing } from '../store/config';
import { knownFailure, starvation } from './protocol/failure';
import { importBackbone } from './domain/bases/import-backbone';
import { importBase } from './domain/bases/import-base';
import { runJob } from './domain/training/run-job';
import type { ImportBackboneSpec, ImportSpec } from './protocol/import-protocol';
import { processGroupOf } from './rank/config';
import {
  workerCommandSchema,
  type CompareModelsSpec,
  type CreateBaseSpec,
  type EvaluateBaseSpec,
  type EvaluateSpec,
  type OrderLabelsSpec,
  type TrainSpec,
  type WorkerEvent,
} from './protocol/protocol';

const cancellation = new AbortController();

function emit(event: WorkerEvent): void {
  if (process.connected) process.send?.(event);
}

/** Tells the last event and leaves once it is on its way. */
function end(event: WorkerEvent, exitCode: number): void {
  process.exitCode = exitCode;
  const leave = (): void => process.exit(exitCode);
  if (process.connected && process.send) process.send(event, leave);
  else leave();
}

async function train(spec: TrainSpec): Promise<WorkerEvent> {
  const { copyOf } = spec.dataset ?? {};
  if (copyOf !== undefined) await s3Mirror(s3Addressing())(copyOf, spec.data, { signal: cancellation.signal });
  const processGroup = processGroupOf(spec.ranks);
  return runJob(spec, {
    store: await openStore(spec.store),
    createTrainer: createNativeTrainer,
    namedHead: namedNativeHead,
    initBase: initNativeBase,
    tryLock,
    // What happens is told once.
    emit: (processGroup?.rank ?? 0) === 0 ? emit : () => undefined,
    signal: cancellation.signal,
    answerGolden: answerNatively,
    ...(measuresBfloat16() && canMeasureBfloat16(spec.device) ? { loadPrecisionPair: loadNativePrecisionPair } : {}),
    codeVersion: packageVersion(),
    ...(processGroup ? { processGroup } : {}),
  });
}

async function evaluate(spec: EvaluateBaseSpec): Promise<WorkerEvent> {
  const store = await openStore(spec.store);
  const createTrainer = createNativeTrainer;
  return evaluateBase(spec, { store, createTrainer, emit, signal: cancellation.signal });
}

async function compare(spec: CompareModelsSpec): Promise<WorkerEvent> {
  const store = await openStore(spec.store);
  return compareModels(spec, { store, loadPair: loadNativePair, emit, signal: cancellation.signal });
}

async function evaluateServed(spec: EvaluateSpec): Promise<WorkerEvent> {
  return evaluateModel(spec, {
    store: await openStore(spec.store),
    loadPredictor: loadNativePredictor,
    emit,
    signal: cancellation.signal,
    codeVersion: packageVersion(),
  });
}

async function orderLabels(spec: OrderLabelsSpec): Promise<WorkerEvent> {
  const { copyOf } = spec.dataset ?? {};
  if (copyOf !== undefined) await s3Mirror(s3Addressing())(copyOf, spec.data, { signal: cancellation.signal });
  const store = await openStore(spec.store);
  return orderNextLabels(spec, { store, loadEmbedder: loadNativeEmbedder, emit, signal: cancellation.signal });
}

async function create(spec: CreateBaseSpec): Promise<WorkerEvent> {
  const { manifest } = await createBase(await openStore(spec.store), spec, initNativeBase);
  return {
    type: 'finished',
    base: `${manifest.name}@${manifest.version}`,
    metrics: { parameters: manifest.parameters, bytes: manifest.weights.bytes },
  };
}

async function importWeights(spec: ImportSpec): Promise<WorkerEvent> {
  const { base, report } = await importBase(await openStore(spec.store), spec, writeNativeBase);
  return {
    type: 'finished',
    base: referenceOf(base),
    metrics: {},
    imported: report,
  };
}

async function importBackboneWeights(spec: ImportBackboneSpec): Promise<WorkerEvent> {
  const { backbone, report } = await importBackbone(await openStore(spec.store), spec, writeNativeBackbone);
  return {
    type: 'finished',
    backbone: referenceOf(backbone),
    metrics: {},
    imported: report,
  };
}

function failureOf(error: unknown): WorkerEvent {
  const known = knownFailure(error) ?? starvation();
  if (known) return { type: 'failed', ...known };
  // The cause goes to the worker's own log; the parent gets a sentence.
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  return { type: 'failed', code: 'INTERNAL', message: 'The training worker failed; its log says why.' };
}

/** An import cannot stop half-way, but nobody needs to wait for it: nothing is registered, the store sweeps the rest. */
function unlessCancelled(work: Promise<WorkerEvent>): Promise<WorkerEvent> {
  return new Promise((resolve, reject) => {
    cancellation.signal.addEventListener('abort', () => reject(automedError('CANCELLED', 'The import was cancelled.')));
    work.then(resolve, reject);
  });
}

function workOf(command: Exclude<z.output<typeof workerCommandSchema>, { type: 'cancel' }>): Promise<WorkerEvent> {
  switch (command.type) {
    case 'train':
      return train(command.spec);
    case 'evaluateBase':
      return evaluate(command.spec);
    case 'compareModels':
      return compare(command.spec);
    case 'evaluate':
      return evaluateServed(command.spec);
    case 'createBase':
      return create(command.spec);
    case 'importBase':
      return unlessCancelled(importWeights(command.spec));
    case 'checkDataset':
      return checkDataset(command.spec, { emit, signal: cancellation.signal, mirror: s3Mirror(s3Addressing()) });
    case 'orderLabels':
      return orderLabels(command.spec);
    case 'importBackbone':
      return unlessCancelled(importBackboneWeights(command.spec));
  }
}

let busy = false;

letThreadsSpin();
process.on('message', (message: unknown) => {
  const parsed = workerCommandSchema.safeParse(message);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const field = issue?.path.join('.').replace(/^spec\./, '');
    end(
      { type: 'failed', code: 'INVALID_ARGUMENT', message: z.prettifyError(parsed.error), ...(field ? { field } : {}) },
      1,
    );
    return;
  }
  const command = parsed.data;
  if (command.type === 'cancel') {
    cancellation.abort();
    return;
  }
  if (busy) return;
  busy = true;
  workOf(command).then(
    (event) => {
      end(event, 0);
    },
    (error: unknown) => {
      end(failureOf(error), 1);
    },
  );
});

/** What an orphaned worker gets to stop between two steps, milliseconds; its checkpoints on the disk are complete at any time. */
const ORPHAN_GRACE_MS = 30_000;

// A worker without its parent has nobody to report to: it stops, and its checkpoints wait for a resume.
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => cancellation.abort());
process.on('disconnect', () => {
  cancellation.abort();
  // Work that cannot stop half-way, or a step that lasts, must not go on beside a successor.
  setTimeout(() => process.exit(1), ORPHAN_GRACE_MS).unref();
});
// What it has to say may have nowhere to go.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
