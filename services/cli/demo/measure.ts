import { writeFile } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import { galleryPng, outlineLegend, type Tile } from '../../imaging/gallery';
import { drawOverlay } from '../../imaging/overlay';
import { readClassificationFolder, readSegmentationFolder } from '../../datasets/layouts/data-folder';
import { decodeSample } from '../../datasets/load/load-samples';
import { classificationMetrics, segmentationMetrics } from '../../scoring/metrics/metrics';
import type { DemoFolders } from '../../synthetic/demo-data';
import type { AutomedClient } from '../../client';
import { describeFailure } from '../../evaluation/images';
import { CliError, oneLine } from '../program/errors';
import {
  evaluateClassification,
  evaluateSegmentation,
  type Evaluation,
  type EvaluationOptions,
  type Measured,
  type StructureResult,
} from '../../evaluation/run';
import { CountDisplay } from '../../terminal/count-display';
import { percentile } from '../../terminal/statistics';

/** Pictures in the gallery. */
const GALLERY = 16;
/** Side of a picture of its own, pixels. */
const SINGLE = 384;
const LEGEND = outlineLegend(false);

export interface Latency {
  p50: number;
  p95: number;
}

export interface DemoScores {
  images: number;
  mdsc: number;
  miou: number;
  accuracy: number;
  segment: Latency;
  classify: Latency;
  gallery: string;
  /** One of the unseen pictures, for people to try. */
  firstImage: string;
}

/** Sends the unseen pictures through the gateway, one at a time, and writes what the model drew on them. */
export async function measureModels(
  client: AutomedClient,
  models: { segmentation: string; classification: string },
  folders: DemoFolders,
  overlays: string,
): Promise<DemoScores> {
  const segmented = await run('segmenting unseen pictures', evaluateSegmentation, client, {
    model: models.segmentation,
    samples: (await readSegmentationFolder(folders.segmentation)).parts.test,
  });
  // The demo's model draws one structure.
  const drawn = segmented.flatMap(({ result, ...rest }) => result.map((structure) => ({ ...rest, result: structure })));
  const scores = segmentationMetrics(drawn.map(({ result }) => result));
  const { parts, classes } = await readClassificationFolder(folders.classification);
  const sorted = await run('classifying unseen pictures', evaluateClassification, client, {
    model: models.classification,
    samples: parts.test,
  });
  const pairs = sorted.map(({ sample, result }) => ({
    predicted: classes.indexOf(result.predictedClass),
    label: sample.label ?? -1,
  }));
  return {
    images: drawn.length,
    mdsc: scores.mdsc,
    miou: scores.miou,
    accuracy: classificationMetrics(pairs, classes).accuracy,
    segment: latency(drawn),
    classify: latency(sorted),
    gallery: await writeOverlays(drawn, overlays),
    firstImage: drawn[0]?.sample.imagePath ?? '',
  };
}

async function run<T>(
  title: string,
  evaluate: (client: AutomedClient, options: EvaluationOptions) => Promise<Evaluation<T>>,
  client: AutomedClient,
  options: EvaluationOptions,
): Promise<Measured<T>[]> {
  const display = new CountDisplay(title, options.samples.length);
  const onProgress = (done: number): void => display.show(done);
  const { measured, failures } = await evaluate(client, {
    ...options,
    inFlight: 1,
    onProgress,
    describe: oneLine,
  }).finally(() => display.close());
  const [failure] = failures;
  if (failure) throw new CliError(`${title} failed: ${describeFailure(failure)}`);
  return measured;
}

/** The first call loads the model and is left out. */
function latency(measured: readonly Measured<unknown>[]): Latency {
  const values = measured.slice(1).map(({ latencyMs }) => latencyMs);
  return { p50: percentile(values, 0.5), p95: percentile(values, 0.95) };
}

/** One overlay per picture, true contour included, and the first ones in a gallery; returns the gallery's path. */
async function writeOverlays(drawn: readonly Measured<StructureResult>[], folder: string): Promise<string> {
  const tiles: Tile[] = [];
  for (const { sample, result } of drawn) {
    const { pixels, masks: truth } = await decodeSample(sample);
    const picture = drawOverlay(pixels, result.mask, truth ? { truth } : {});
    const name = basename(sample.imagePath, extname(sample.imagePath));
    const caption = `Dice ${result.dice.toFixed(3)}, IoU ${result.iou.toFixed(3)}`;
    const tile = { picture, name: basename(sample.imagePath), caption };
    await writeFile(join(folder, `${name}.png`), await galleryPng([tile], { cell: SINGLE, legend: LEGEND }));
    if (tiles.length < GALLERY) tiles.push(tile);
  }
  const gallery = join(folder, 'gallery.png');
  await writeFile(gallery, await galleryPng(tiles, { legend: LEGEND }));
  return gallery;
}
