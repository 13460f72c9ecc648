import { Command } from 'commander';
import type { AnalyzeResponse__Output } from '../../../proto/gen/automed/analysis/v1/AnalyzeResponse';
import { analyzeJson, analyzeLines } from '../../terminal/answers';
import { printJson, printLine, printProblem } from '../../terminal/print';
import { withClient, type ConnectOptions } from '../program/session';
import { describeFailure, failed, type Outcome } from '../../evaluation/images';
import { failureOf, forEachImage } from '../input/images';
import { connected, examples, FRAME, imageOf } from './options';

interface AnalyzeOptions extends ConnectOptions {
  model: string[];
  frame?: number;
  json?: boolean;
}

export function analyzeCommand(): Command {
  const command = connected(new Command('analyze'))
    .description('ask several models about images, with one encoder pass for all that share a base')
    .argument('<image...>', 'PNG, JPEG, TIFF, WebP or DICOM files')
    .requiredOption(
      '--model <model>',
      'NAME, NAME@VERSION or NAME@ALIAS of either task; repeat it for each model',
      (text: string, earlier: string[] = []) => [...earlier, text],
    )
    .option(...FRAME)
    .option('--json', 'print one JSON document')
    .action(analyze);
  return examples(command, ['automed analyze lesion.png --model demo-lesion --model demo-lesion-class']);
}

async function analyze(images: string[], options: AnalyzeOptions): Promise<void> {
  const [model = '', ...additionalModels] = options.model;
  const report = (outcome: Outcome<AnalyzeResponse__Output>): void => {
    if (options.json) return;
    if (failed(outcome)) {
      if (images.length > 1) printProblem(describeFailure(outcome));
      return;
    }
    for (const line of analyzeLines(outcome.result)) printLine(`${outcome.image}: ${line}`);
  };
  const outcomes = await withClient(options, (client) =>
    forEachImage(
      images,
      (bytes) => client.analysis.analyze({ model, additionalModels, image: imageOf(bytes, options.frame) }),
      report,
    ),
  );
  if (options.json) {
    printJson({
      images: outcomes.map((outcome) =>
        failed(outcome) ? outcome : { image: outcome.image, ...analyzeJson(outcome.result) },
      ),
    });
  }
  const failure = failureOf(outcomes);
  if (failure) throw failure;
}
