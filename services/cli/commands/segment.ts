import { writeFile } from 'node:fs/promises';
import { Command } from 'commander';
import type { BaseInfo__Output } from '../../../proto/gen/automed/common/v1/BaseInfo';
import type { Mask__Output } from '../../../proto/gen/automed/common/v1/Mask';
import { DEFAULT_LIMITS } from '../../imaging/decode';
import { decodeMask } from '../../imaging/mask';
import { maskColourName, overlayPng } from '../../imaging/overlay';
import { readImage } from '../../imaging/read-image';
import type { AutomedClient } from '../../client';
import { promptedJson, promptedLines, segmentJson, segmentLine } from '../../terminal/answers';
import { printJson, printLine, printNote, printProblem } from '../../terminal/print';
import { structurePath, targetPaths } from '../program/targets';
import { withClient, type ConnectOptions } from '../program/session';
import { describeFailure, failed, type Outcome } from '../../evaluation/images';
import { failureOf, forEachImage } from '../input/images';
import { connected, examples, FRAME, imageOf, number, whole } from './options';
import { collectBox, collectPoint } from './prompts';
import { checkPromptOptions, segmentPrompted, type PromptOptions } from './segment-prompted';

interface SegmentOptions extends ConnectOptions, PromptOptions {
  model?: string;
  threshold?: number;
  frame?: number;
  mask?: string;
  overlay?: string;
  json?: boolean;
}

/** What was drawn on one image, however it was asked for. */
interface Segmented {
  masks: readonly Mask__Output[];
  lines: string[];
  json: (files: readonly (string | null)[]) => object;
  /** What was prompted; absent for a model. */
  base?: BaseInfo__Output | null;
  /** Where each mask was written; null where it was not. */
  maskPaths: (string | null)[];
  overlayPath: string | undefined;
}

export function segmentCommand(): Command {
  const command = connected(new Command('segment'))
    .description('draw the masks of structures on images')
    .argument('<image...>', 'PNG, JPEG, TIFF, WebP or DICOM files')
    .option('--model <model>', 'draw what a trained model draws: NAME, NAME@VERSION or NAME@ALIAS')
    .option('--base <base>', 'draw what you point at: NAME or NAME@VERSION of a base, or a segmentation model on it')
    .option('--point <x,y[,label]>', 'a pixel on the object, or with label 0 beside it; may be repeated', collectPoint)
    .option('--box <x0,y0,x1,y1>', 'a box around the object; several boxes are several objects', collectBox)
    .option('--multimask', 'all masks that the decoder proposes, the best first')
    .option('--everything', 'masks of everything that a grid of points finds')
    .option('--points-per-side <count>', 'of the grid (default: 32)', whole(1, 128))
    .option(
      '--min-iou <score>',
      'predicted IoU above which a found mask stays (default: 0.88)',
      number({ min: 0, max: 1 }),
    )
    .option(
      '--min-stability <score>',
      'stability from which a found mask stays (default: 0.95)',
      number({ min: 0, max: 1 }),
    )
    .option(
      '--embedding <id>',
      'embedding_id of an earlier --json answer on the same image, which is sent only if that is gone',
    )
    .option(...FRAME)
    .option(
      '--threshold <probability>',
      "foreground is above it (default: the model's)",
      number({ min: 0, max: 1, open: true }),
    )
    .option(
      '--mask <file>',
      'write the mask as PNG, 255 is foreground; a folder for several images; several masks: NAME-STRUCTURE.png or NAME-1.png, ...',
    )
    .option('--overlay <file>', 'write the image with the mask drawn on it; a folder for several images')
    .option('--json', 'print one JSON document')
    .action(segment);
  return examples(command, [
    'automed segment lesion.png --model demo-lesion --overlay overlay.png',
    'automed segment scans/*.png --model polyp@production --mask masks/ --json',
    'automed segment cine.dcm --model polyp --frame 12 --overlay overlay.png',
    'automed segment lesion.png --model polyp --address 10.0.0.7:50051',
    'automed segment lesion.png --base sam-med2d-vit-b --point 120,80 --point 30,40,0 --mask mask.png',
    'automed segment lesion.png --base tiny --everything --overlay overlay.png',
  ]);
}

async function segment(images: string[], options: SegmentOptions): Promise<void> {
  checkPromptOptions(options, images.length);
  const masks = options.mask === undefined ? [] : targetPaths(images, options.mask, '--mask');
  const overlays = options.overlay === undefined ? [] : targetPaths(images, options.overlay, '--overlay');
  const report = (outcome: Outcome<Segmented>): void => {
    if (options.json) return;
    if (failed(outcome)) {
      if (images.length > 1) printProblem(describeFailure(outcome));
      return;
    }
    const { lines, maskPaths, overlayPath } = outcome.result;
    const written = [...maskPaths, overlayPath].filter((path) => path !== undefined && path !== null);
    const [first = '', ...rest] = lines;
    printLine(`${outcome.image}: ${first}${written.length > 0 ? ` -> ${written.join(', ')}` : ''}`);
    for (const line of rest) printLine(line);
    if (overlayPath !== undefined && outcome.result.masks.length > 1) printLine(coloursOf(outcome.result.masks));
  };
  const outcomes = await withClient(
    options,
    async (client) => {
      const all = await forEachImage(
        images,
        (bytes, _image, index) => segmentOne(client, bytes, options, masks[index], overlays[index]),
        report,
      );
      await remarkOnPrompted(client, all, options);
      return all;
    },
    ['segmentation'],
  );
  if (options.json) printJson({ images: outcomes.map(outcomeJson) });
  const failure = failureOf(outcomes);
  if (failure) throw failure;
}

/** Which mask has which colour on an overlay. */
function coloursOf(masks: readonly Mask__Output[]): string {
  const shown = masks.slice(0, 6).map(({ structure }, index) => `${structure || index + 1} ${maskColourName(index)}`);
  return `  on the overlay: ${shown.join(', ')}${masks.length > shown.length ? ', and again from the first' : ''}`;
}

/** What a person should know of the answers of a base. */
async function remarkOnPrompted(
  client: AutomedClient,
  outcomes: readonly Outcome<Segmented>[],
  options: SegmentOptions,
): Promise<void> {
  const drawn = outcomes.flatMap((outcome) => (failed(outcome) ? [] : [outcome.result]));
  const base = drawn.find((each) => each.base)?.base;
  if (!base) return;
  const name = `${base.name}@${base.version}`;
  if ((await client.models.getBase(name)).randomWeights) {
    printNote(
      `${name} has random weights, which follow no prompt: import published weights, or train it (automed train base)`,
    );
  }
  if (options.everything && drawn.some(({ masks }) => masks.length === 0)) {
    const { minIou = 0.88, minStability = 0.95, pointsPerSide = 32 } = options;
    printNote(
      `where nothing was found, lower thresholds let more masks stay: --min-iou below ${minIou}, --min-stability below ` +
        `${minStability}; a finer grid finds smaller objects: --points-per-side above ${pointsPerSide}`,
    );
  }
}

async function segmentOne(
  client: AutomedClient,
  bytes: Buffer,
  options: SegmentOptions,
  maskPath: string | undefined,
  overlayPath: string | undefined,
): Promise<Segmented> {
  const drawn =
    options.base === undefined ? await byModel(client, bytes, options) : await byPrompts(client, bytes, options);
  const { masks } = drawn;
  const maskPaths = masks.map(({ structure }, index) =>
    maskPath === undefined ? null : structurePath(maskPath, structure || String(index + 1), masks.length),
  );
  for (const [index, path] of maskPaths.entries()) {
    if (path !== null) await writeFile(path, masks[index]?.png ?? Buffer.alloc(0));
  }
  if (overlayPath !== undefined) {
    const shown = await Promise.all(masks.map(async ({ png }) => (await decodeMask(png ?? Buffer.alloc(0))).mask));
    const { pixels } = await readImage(bytes, {
      limits: DEFAULT_LIMITS,
      also: ['DICOM'],
      frame: (options.frame ?? 1) - 1,
    });
    await writeFile(overlayPath, await overlayPng(pixels, shown));
  }
  return { ...drawn, maskPaths, overlayPath };
}

type Drawn = Pick<Segmented, 'masks' | 'lines' | 'json' | 'base'>;

async function byModel(
  client: AutomedClient,
  bytes: Buffer,
  { model = '', threshold, frame }: SegmentOptions,
): Promise<Drawn> {
  const answer = await client.segmentation.segment({
    model,
    image: imageOf(bytes, frame),
    ...(threshold === undefined ? {} : { threshold }),
  });
  return { masks: answer.masks, lines: [segmentLine(answer)], json: (files) => segmentJson(answer, files) };
}

async function byPrompts(client: AutomedClient, bytes: Buffer, options: SegmentOptions): Promise<Drawn> {
  const answer = await segmentPrompted(client, bytes, options);
  return {
    masks: answer.masks.map(({ mask }) => mask),
    lines: promptedLines(answer),
    json: (files) => promptedJson(answer, files),
    base: answer.base,
  };
}

function outcomeJson(outcome: Outcome<Segmented>): object {
  if (failed(outcome)) return outcome;
  const { json, maskPaths, overlayPath } = outcome.result;
  return { image: outcome.image, ...json(maskPaths), overlay: overlayPath ?? null };
}
