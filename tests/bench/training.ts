// Throughput of one epoch of the paper's SAM-AutoMed recipe (frozen encoder, batch 2, Adam 1e-4), with and without kept
// embeddings, beside the same loop in Python with PyTorch on the same machine. Random weights and images: only the time counts.
//
//   npm run bench:training [-- ARCH [IMAGES [EPOCHS [THREADS]]] [--json]]      default: sam-med2d-vit-b 16 3 and all cores
//
// The three take turns epoch by epoch, so that a neighbour on the machine slows all of them alike; the first epoch of each is
// warm-up, in which the last one fills its store. Needs models.py in AUTOMED_TEST_REFERENCE (default ../shared/reference) and torch in python3's path (PYTHONPATH).

import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { createInterface, type Interface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { initBase, Trainer } from '../../native/lib';
import { median } from '../../services/terminal/statistics';
import { table } from '../../services/terminal/table';
import type { BaseArchitecture } from '../../services/store';
import { baseArchitecture } from '../../services/store/architectures';
import { letThreadsSpin } from '../../services/worker/adapters/native-trainer';
import { recipeFor } from '../../services/worker/protocol/recipes';
import { segmentationHead } from '../support/heads';
import { noise, trainerOptions } from '../support/micro';
import { bench } from './keep-alive';
import { machine } from './machine';
import { printResult } from './result';

const ROOT = join(__dirname, '..', '..');
const REFERENCE = process.env.AUTOMED_TEST_REFERENCE ?? join(ROOT, '..', 'shared', 'reference');

interface Settings {
  folder: string;
  architecture: BaseArchitecture;
  images: number;
  epochs: number;
  threads: number;
}

/** One of the loops that are compared: an epoch at a time, in seconds. */
interface Contestant {
  name: string;
  epoch(): Promise<number>;
  close(): Promise<void>;
}

const recipe = recipeFor('segmentation', 'paper');
/** The native loop; it learns from the same images in every epoch, as the recipe has no augmentation. */
async function nativeLoop(name: string, settings: Settings, base: string, keeps: boolean): Promise<Contestant> {
  const { folder, architecture, images, threads } = settings;
  const trainer = await Trainer.create(
    trainerOptions(
      { folder, base },
      {
        threads,
        baseArchitecture: JSON.stringify(architecture),
        headArchitecture: JSON.stringify(segmentationHead(architecture)),
        batchSize: recipe.batchSize,
        learningRate: recipe.learningRate,
        embeddingCachePath: keeps ? join(folder, 'embeddings') : null,
        embeddingCacheBytes: 2 ** 30,
      },
    ),
  );
  const size = architecture.image_size;
  const mask = new Uint8Array(size * size).fill(1, 0, (size * size) / 8);
  for (let n = 0; n < images; n++) await trainer.addSegmentationSample('train', noise(size, size, n + 1), mask);
  return {
    name,
    epoch: async () => {
      const started = performance.now();
      while (!(await trainer.train(1)).epochDone);
      return (performance.now() - started) / 1000;
    },
    close: () => trainer.close(),
  };
}

type Python = ChildProcessByStdio<Writable, Readable, null>;

/** The loop in Python; it waits before each epoch, so that it takes no time from the others. */
function pythonLoop(settings: Settings): Contestant {
  const { folder, architecture, images, epochs, threads } = settings;
  const spec = join(folder, 'spec.json');
  const { batchSize: batch, learningRate: learning_rate } = recipe;
  writeFileSync(
    spec,
    JSON.stringify({ reference: REFERENCE, architecture, images, epochs, threads, batch, learning_rate }),
  );
  const python: Python = spawn('python3', [join(__dirname, 'training_reference.py'), spec], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines: Interface = createInterface({ input: python.stdout });
  const answers = lines[Symbol.asyncIterator]();
  return {
    name: 'PyTorch',
    epoch: async () => {
      python.stdin.write('\n');
      const { value, done } = await answers.next();
      if (done === true) throw new Error('the Python loop ended; is torch in PYTHONPATH?');
      return (JSON.parse(value) as { seconds: number }).seconds;
    },
    close: async () => {
      python.kill('SIGKILL');
      if (python.exitCode === null && python.signalCode === null) await once(python, 'exit');
    },
  };
}

/** @returns how many times as fast as the reference each is, in their order */
function report(seconds: Map<Contestant, number[]>, reference: Contestant, images: number): number[] {
  const measured = (contestant: Contestant): number[] => (seconds.get(contestant) ?? []).slice(1);
  // Pairs of neighbouring epochs: the machine's state was most nearly the same.
  const ratiosOf = (contestant: Contestant): number[] =>
    measured(contestant).map((value, at) => (measured(reference)[at] ?? NaN) / value);
  const rows = [...seconds.keys()].map((contestant) => {
    const [epochs, ratios] = [measured(contestant), ratiosOf(contestant)];
    return [
      contestant.name,
      median(epochs).toFixed(2),
      (images / median(epochs)).toFixed(2),
      median(ratios).toFixed(2),
      `${Math.min(...ratios).toFixed(2)} - ${Math.max(...ratios).toFixed(2)}`,
    ];
  });
  process.stdout.write(`${table(['loop', 's per epoch', 'images/s', 'x PyTorch', 'range'], rows)}\n`);
  return [...seconds.keys()].map((contestant) => median(ratiosOf(contestant)));
}

async function main(): Promise<void> {
  letThreadsSpin(); // as the worker does
  const json = process.argv.includes('--json');
  const [arch = 'sam-med2d-vit-b', images = '16', epochs = '3', threads = `${availableParallelism()}`] = process.argv
    .slice(2)
    .filter((argument) => argument !== '--json');
  const where = machine();
  if (!existsSync(join(REFERENCE, 'models.py'))) throw new Error(`no models.py in ${REFERENCE}`);
  const folder = mkdtempSync(join(tmpdir(), 'automed-bench-'));
  const { architecture } = baseArchitecture(arch);
  const settings: Settings = {
    folder,
    architecture,
    images: Number(images),
    epochs: Number(epochs) + 1,
    threads: Number(threads),
  };
  const loops: Contestant[] = [];
  try {
    const base = join(folder, 'base.safetensors');
    await initBase(JSON.stringify(architecture), 1, base);
    const reference = pythonLoop(settings);
    loops.push(reference);
    loops.push(await nativeLoop('native', settings, base, false));
    loops.push(await nativeLoop('native, embeddings kept', settings, base, true));
    const seconds = new Map<Contestant, number[]>(loops.map((loop) => [loop, []]));
    for (let epoch = 0; epoch < settings.epochs; epoch++) {
      for (const loop of loops) {
        const taken = await loop.epoch();
        seconds.get(loop)?.push(taken);
        process.stderr.write(`epoch ${epoch}${epoch === 0 ? ' (warm-up)' : ''}, ${loop.name}: ${taken.toFixed(2)} s\n`);
      }
    }
    process.stdout.write(`${arch}, ${images} images, ${threads} threads, median of ${epochs} epochs\n`);
    const [, ratio, kept_ratio] = report(seconds, reference, settings.images);
    if (json) printResult({ architecture: arch, images: settings.images, ratio, kept_ratio }, where);
  } finally {
    await Promise.all(loops.map((loop) => loop.close()));
    rmSync(folder, { recursive: true, force: true });
  }
}

bench(main);
