import { relative } from 'node:path';
import { Command } from 'commander';
import { availableCores } from '../../common/cores';
import { writeDemoData, type DemoFolders } from '../../synthetic/demo-data';
import { isCheckout, packageRoot } from '../../common/installation';
import { loadConfig } from '../program/config';
import { CONSOLE_PORT, keepOpen } from '../demo/keep-open';
import { measureModels, type DemoScores } from '../demo/measure';
import { DEMO_PLAN, type DemoPlan, type DemoRun } from '../demo/plan';
import { trainModels, type TrainedModels } from '../demo/training';
import { prepareWorkspace, releaseWorkspace, type Workspace } from '../demo/workspace';
import { CountDisplay } from '../../terminal/count-display';
import { printJson, printLine, printNote, printProblem } from '../../terminal/print';
import { round } from '../../terminal/statistics';
import { duration } from '../../common/duration';
import { score } from '../../terminal/table';
import { AutomedClient } from '../../client';
import { ANY_PORT, requireBuilt, ROLES } from '../../stack/programs';
import { Stack } from '../../stack/stack';
import { examples, whole } from './options';

interface DemoOptions {
  out?: string;
  home?: string;
  images: number;
  testImages: number;
  epochs: number;
  classEpochs: number;
  threads: number;
  openFor?: number;
  json?: boolean;
}

const CALL_TIMEOUT_MS = 120_000;

export function demoCommand(): Command {
  const command = new Command('demo')
    .description('make synthetic lesions, train both systems on them, and call them through the gateway')
    .option('--out <folder>', 'working folder (default: .automed/demo in the checkout)')
    .option('--home <folder>', 'the store (default: store in the working folder)')
    .option('--images <count>', 'pictures to train on', whole(12), DEMO_PLAN.trainCount)
    .option('--test-images <count>', 'unseen pictures to measure on', whole(3), DEMO_PLAN.testCount)
    .option('--epochs <count>', 'passes of SAM-AutoMed', whole(1), DEMO_PLAN.segmentation.epochs)
    .option('--class-epochs <count>', 'passes of SAM-MedCls', whole(1), DEMO_PLAN.classification.epochs)
    .option('--threads <count>', 'LibTorch threads of the training', whole(1, 1024), availableCores())
    .option('--open-for <seconds>', 'serve the console for so long at the end, or until Ctrl-C', whole(1))
    .option('--json', 'end with one line of JSON')
    .action(demo);
  return examples(command, ['automed demo', 'automed demo --open-for 600', 'automed demo --out /tmp/demo --json']);
}

async function demo(options: DemoOptions): Promise<void> {
  const plan: DemoRun = {
    ...DEMO_PLAN,
    trainCount: options.images,
    testCount: options.testImages,
    segmentation: { ...DEMO_PLAN.segmentation, epochs: options.epochs },
    classification: { ...DEMO_PLAN.classification, epochs: options.classEpochs },
    threads: options.threads,
  };
  const workspace = prepareWorkspace(options.out, options.home);
  try {
    printNote(`Automed demo in ${workspace.root} (research use; not a medical device)`);
    requireBuilt(ROLES);
    const folders = await drawPictures(plan, workspace);
    const models = await trainModels(plan, folders, workspace);
    const scores = await withServices(workspace, (client) =>
      measureModels(client, models, folders, workspace.overlays),
    );
    if (options.json) printJson(summary(scores, models));
    else printLine(report(scores, models, workspace));
    const { openFor } = options;
    if (openFor !== undefined)
      await keepOpen(workspace.store, openFor, (url) =>
        printNote(`console on ${url} for ${duration(openFor)}; Ctrl-C ends it`),
      );
  } finally {
    releaseWorkspace(workspace);
  }
}

async function drawPictures({ seed, trainCount, testCount }: DemoPlan, { data }: Workspace): Promise<DemoFolders> {
  const display = new CountDisplay('drawing synthetic lesions', trainCount + testCount);
  const folders = await writeDemoData(data, { seed, trainCount, testCount }, (done) => display.show(done)).finally(() =>
    display.close(),
  );
  printNote(`drew ${trainCount} pictures to train on and ${testCount} unseen ones`);
  return folders;
}

/** Gateway, segmentation and classification as three processes. */
async function withServices<T>({ store }: Workspace, work: (client: AutomedClient) => Promise<T>): Promise<T> {
  const stack = await Stack.start({
    home: store,
    processes: [['segmentation'], ['classification']],
    address: ANY_PORT,
    insecure: false,
    startTimeoutMs: loadConfig().startTimeoutMs,
    say: printProblem,
  });
  const client = new AutomedClient(stack.address, { timeoutMs: CALL_TIMEOUT_MS });
  try {
    printNote(`gateway on ${stack.address}, segmentation and classification behind it`);
    return await work(client);
  } finally {
    client.close();
    await stack.stop();
  }
}

function summary(scores: DemoScores, { trainSeconds }: TrainedModels): object {
  return {
    mdsc: round(scores.mdsc, 4),
    miou: round(scores.miou, 4),
    accuracy: round(scores.accuracy, 4),
    segment_p50_ms: round(scores.segment.p50, 1),
    classify_p50_ms: round(scores.classify.p50, 1),
    train_s: round(trainSeconds, 1),
  };
}

function report(scores: DemoScores, models: TrainedModels, workspace: Workspace): string {
  const here = (path: string): string => {
    const short = relative(process.cwd(), path);
    return short.startsWith('..') ? path : short;
  };
  const latency = ({ p50, p95 }: DemoScores['segment']): string => `p50 ${p50.toFixed(1)} ms, p95 ${p95.toFixed(1)} ms`;
  const picture = here(scores.firstImage);
  const home = `--home ${here(workspace.store)}`;
  const automed = process.cwd() === packageRoot() || !isCheckout() ? 'npx automed' : 'automed';
  return [
    '',
    `On ${scores.images} pictures that were not used in training, through the gateway:`,
    `  segmentation (SAM-AutoMed)   mDSC ${score(scores.mdsc)}, mIoU ${score(scores.miou)}; ${latency(scores.segment)}`,
    `  classification (SAM-MedCls)  accuracy ${score(scores.accuracy)}; ${latency(scores.classify)}`,
    `  trained in ${duration(models.trainSeconds)}; both stand on the base ${models.base}`,
    '',
    `Overlays (orange: the model's prediction, blue: the label): ${here(workspace.overlays)}, first ones in ${here(scores.gallery)}`,
    ...models.reports.map((folder) => `Training report: ${here(folder)}`),
    '',
    'What to type next:',
    `  ${automed} segment ${picture} --model ${models.segmentation} --overlay overlay.png ${home}`,
    `  ${automed} classify ${picture} --model ${models.classification} ${home}`,
    `  ${automed} models list ${home}`,
    `  ${automed} serve --open ${home}   # the console, on http://127.0.0.1:${CONSOLE_PORT}/`,
  ].join('\n');
}
