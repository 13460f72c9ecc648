import { Command } from 'commander';
import type { ClassifyResponse__Output } from '../../../proto/gen/automed/classification/v1/ClassifyResponse';
import { classifyJson, classifyLine } from '../../terminal/answers';
import { printJson, printLine, printProblem } from '../../terminal/print';
import { withClient, type ConnectOptions } from '../program/session';
import { describeFailure, failed, type Outcome } from '../../evaluation/images';
import { failureOf, forEachImage } from '../input/images';
import { connected, examples, FRAME, imageOf, whole } from './options';

interface ClassifyOptions extends ConnectOptions {
  model: string;
  top: number;
  frame?: number;
  json?: boolean;
}

export function classifyCommand(): Command {
  const command = connected(new Command('classify'))
    .description('sort images into the classes of a model')
    .argument('<image...>', 'PNG, JPEG, TIFF, WebP or DICOM files')
    .requiredOption('--model <model>', 'NAME, NAME@VERSION or NAME@ALIAS')
    .option('--top <count>', 'classes to show, the most probable first', whole(1), 3)
    .option(...FRAME)
    .option('--json', 'print one JSON document')
    .action(classify);
  return examples(command, [
    'automed classify scan.png --model brain-mri',
    'automed classify scans/*.png --model brain-mri@2 --json',
  ]);
}

async function classify(images: string[], options: ClassifyOptions): Promise<void> {
  const { model, top, frame, json } = options;
  const report = (outcome: Outcome<ClassifyResponse__Output>): void => {
    if (json) return;
    if (!failed(outcome)) printLine(`${outcome.image}: ${classifyLine(outcome.result, top)}`);
    else if (images.length > 1) printProblem(describeFailure(outcome));
  };
  const outcomes = await withClient(
    options,
    (client) =>
      forEachImage(images, (bytes) => client.classification.classify({ model, image: imageOf(bytes, frame) }), report),
    ['classification'],
  );
  if (json) {
    printJson({
      images: outcomes.map((outcome) =>
        failed(outcome) ? outcome : { image: outcome.image, ...classifyJson(outcome.result) },
      ),
    });
  }
  const failure = failureOf(outcomes);
  if (failure) throw failure;
}
