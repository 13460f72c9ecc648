import { writeFile } from 'node:fs/promises';
import { Command } from 'commander';
import type { SegmentResponse__Output } from '../../../proto/gen/automed/segmentation/v1/SegmentResponse';
import { decodeImage } from '../../imaging/decode';
import { decodeMask } from '../../imaging/mask';
import { overlayPng } from '../../imaging/overlay';
import type { AutomedClient } from '../client/automed-client';
import { segmentJson, segmentLine } from '../output/answers';
import { printJson, printLine, printProblem } from '../output/print';
import { targetPaths } from '../output/targets';
import { withClient, type ConnectOptions } from '../stack/session';
import { describeFailure, failed, failureOf, forEachImage, type Outcome } from './images';
import { connected, examples, number } from './options';

interface SegmentOptions extends ConnectOptions {
  model: string;
  threshold?: number;
  mask?: string;
  overlay?: string;
  json?: boolean;
}

interface Segmented {
  answer: SegmentResponse__Output;
  maskPath: string | undefined;
  overlayPath: string | undefined;
}

export function segmentCommand(): Command {
  const command = connected(new Command('segment'))
    .description('draw the mask of a structure on images')
    .argument('<image...>', 'PNG, JPEG, TIFF or WebP files')
    .requiredOption('--model <model>', 'NAME, NAME@VERSION or NAME@ALIAS')
    .option(
      '--threshold <probability>',
      "foreground is above it (default: the model's)",
      number({ min: 0, max: 1, open: true }),
    )
    .option('--mask <file>', 'write the mask as PNG, 255 is foreground; a folder for several images')
    .option('--overlay <file>', 'write the image with the mask drawn on it; a folder for several images')
    .option('--json', 'print one JSON document')
    .action(segment);
  return examples(command, [
    'automed segment lesion.png --model demo-lesion --overlay overlay.png',
    'automed segment scans/*.png --model polyp@production --mask masks/ --json',
    'automed segment lesion.png --model polyp --address 10.0.0.7:50051',
  ]);
}

async function segment(images: string[], options: SegmentOptions): Promise<void> {
  const masks = options.mask === undefined ? [] : targetPaths(images, options.mask, '--mask');
  const overlays = options.overlay === undefined ? [] : targetPaths(images, options.overlay, '--overlay');
  const report = (outcome: Outcome<Segmented>): void => {
    if (options.json) return;
    if (failed(outcome)) {
      if (images.length > 1) printProblem(describeFailure(outcome));
      return;
    }
    const { answer, maskPath, overlayPath } = outcome.result;
    const written = [maskPath, overlayPath].filter((path) => path !== undefined);
    printLine(`${outcome.image}: ${segmentLine(answer)}${written.length > 0 ? ` -> ${written.join(', ')}` : ''}`);
  };
  const outcomes = await withClient(
    options,
    (client) =>
      forEachImage(
        images,
        (bytes, _image, index) => segmentOne(client, bytes, options, masks[index], overlays[index]),
        report,
      ),
    ['segmentation'],
  );
  if (options.json) printJson({ images: outcomes.map(outcomeJson) });
  const failure = failureOf(outcomes);
  if (failure) throw failure;
}

async function segmentOne(
  client: AutomedClient,
  bytes: Buffer,
  { model, threshold }: SegmentOptions,
  maskPath: string | undefined,
  overlayPath: string | undefined,
): Promise<Segmented> {
  const answer = await client.segment({
    model,
    image: { encoded: bytes },
    ...(threshold === undefined ? {} : { threshold }),
  });
  const png = answer.mask?.png;
  if (png) {
    if (maskPath !== undefined) await writeFile(maskPath, png);
    if (overlayPath !== undefined) {
      const { mask } = await decodeMask(png);
      await writeFile(overlayPath, await overlayPng(await decodeImage(bytes), mask));
    }
  }
  return { answer, maskPath, overlayPath };
}

function outcomeJson(outcome: Outcome<Segmented>): object {
  if (failed(outcome)) return outcome;
  const { answer, maskPath, overlayPath } = outcome.result;
  return { image: outcome.image, ...segmentJson(answer), mask: maskPath ?? null, overlay: overlayPath ?? null };
}
