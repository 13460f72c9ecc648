import { Command } from 'commander';
import type { TrainingJob__Output } from '../../../proto/gen/automed/training/v1/TrainingJob';
import { collect, type AutomedClient } from '../../client';
import { CliError, InterruptedError } from '../program/errors';
import { printJson, printLine } from '../../terminal/print';
import { stateOf } from '../../terminal/state';
import { duration } from '../../common/duration';
import { score, table } from '../../terminal/table';
import { TrainingDisplay } from '../../terminal/training-display';
import { onStopSignal } from '../program/signals';
import { withTraining, type ConnectOptions } from '../program/session';
import { waits, watchJob } from '../training/watch';
import { connected, examples } from './options';
import { reportCommand } from './reports';

interface JobsOptions extends ConnectOptions {
  json?: boolean;
}

export function jobsCommand(): Command {
  const command = new Command('jobs').description('list, watch, pause, resume, cancel and delete training jobs');
  command.addCommand(listCommand());
  command.addCommand(getCommand());
  command.addCommand(watchCommand());
  const act = (name: 'cancel' | 'pause' | 'resume', what: string): Command =>
    actionCommand(name, what, async (jobs, id) => `${id} is ${stateOf(await jobs[name](id))}`);
  command.addCommand(act('cancel', 'stop a job for good'));
  command.addCommand(act('pause', 'stop a job at its next step and keep its checkpoint'));
  command.addCommand(act('resume', 'go on with a paused or failed job, from its last checkpoint'));
  command.addCommand(
    actionCommand('delete', 'forget an ended or paused job; what it registered stays', async (jobs, id) => {
      await jobs.delete(id);
      return `deleted ${id}`;
    }),
  );
  command.addCommand(
    reportCommand(
      connected(new Command('report').argument('<job>', 'id of a job that has succeeded')),
      (trainingJobId) => ({ trainingJobId }),
      withTraining,
    ),
  );
  return examples(command, [
    'automed train segmentation --data data/CVC-ClinicDB --base tiny --name polyp --detach',
    'automed jobs list',
    'automed jobs watch 3f9c2a7be01d4c55 --previews epochs',
    'automed jobs report 3f9c2a7be01d4c55 --out report.html',
  ]);
}

function listCommand(): Command {
  return connected(new Command('list'))
    .description('list the jobs, newest first')
    .option('--json', 'print one JSON document')
    .action(async (options: JobsOptions) => {
      const jobs = await withTraining(options, (client) => collect(client.trainingJobs.list()));
      if (options.json) return printJson({ jobs: jobs.map(jobJson) });
      if (jobs.length === 0) return printLine('no jobs yet; `automed train ... --detach` makes one');
      printLine(table(['JOB', 'NAME', 'STATE', 'EPOCH', 'DONE', 'BEST', 'RESULT', 'CREATED'], jobs.map(jobRow)));
    });
}

function getCommand(): Command {
  return connected(new Command('get'))
    .description('describe a job')
    .argument('<job>', 'id of the job')
    .option('--json', 'print one JSON document')
    .action(async (id: string, options: JobsOptions) => {
      const job = jobJson(await withTraining(options, (client) => client.trainingJobs.get(id)));
      if (options.json) return printJson(job);
      const width = Math.max(...Object.keys(job).map((key) => key.length));
      for (const [key, value] of Object.entries(job)) {
        if (value === null || value === '') continue;
        printLine(`${key.padEnd(width)}  ${typeof value === 'string' ? value : JSON.stringify(value)}`);
      }
    });
}

function watchCommand(): Command {
  return connected(new Command('watch'))
    .description('show how a job goes until it has ended; Ctrl-C ends the watch, not the job')
    .argument('<job>', 'id of the job')
    .option(
      '--previews <dir>',
      'write pictures of a few validation images after each epoch, where the job may show them',
    )
    .option('--json', 'print the job as one JSON document at the end')
    .action(async (id: string, options: JobsOptions & { previews?: string }) => {
      const job = await withTraining(options, (client) => watch(client, id, options.previews), {
        runs: 'watched',
        borrows: true,
      });
      if (options.json) printJson(jobJson(job));
      else if (stateOf(job) === 'SUCCEEDED') printLine(resultLine(job));
      if (stateOf(job) === 'FAILED')
        throw new CliError(`${job.name} failed: ${job.error?.message ?? job.stateMessage}`);
      if (stateOf(job) === 'CANCELLED') throw new CliError(`${job.name} was cancelled`);
    });
}

function actionCommand(
  name: string,
  description: string,
  work: (jobs: AutomedClient['trainingJobs'], id: string) => Promise<string>,
): Command {
  return connected(new Command(name))
    .description(description)
    .argument('<job>', 'id of the job')
    .action(async (id: string, options: ConnectOptions) => {
      printLine(await withTraining(options, (client) => work(client.trainingJobs, id)));
    });
}

async function watch({ trainingJobs }: AutomedClient, id: string, previews?: string): Promise<TrainingJob__Output> {
  const job = await trainingJobs.get(id);
  const display = new TrainingDisplay(job.name);
  const stop = new AbortController();
  const signals = onStopSignal(() => stop.abort());
  if (waits(job)) display.note(job.stateMessage);
  try {
    return await watchJob(trainingJobs, job, { display, signal: stop.signal, previews });
  } catch (error) {
    if (stop.signal.aborted) throw new InterruptedError('the job goes on; the same command watches it again');
    throw error;
  } finally {
    signals.dispose();
    display.close();
  }
}

function resultLine({ name, result }: TrainingJob__Output): string {
  const scores = ['validation', 'test'].flatMap((part) =>
    ['mdsc', 'miou', 'accuracy', 'macroF1'].flatMap((metric) => {
      const value = result?.metrics[`${part}.${metric}`];
      return value === undefined ? [] : [`${part} ${metric} ${score(value)}`];
    }),
  );
  const made = [result?.model, result?.base].filter((each) => each !== undefined && each !== '').join(' and ');
  return [`trained ${made === '' ? name : made}`, ...scores].join(', ');
}

type Timestamp = TrainingJob__Output['createTime'];

function iso(time: Timestamp): string {
  return time === null ? '' : new Date(Number(time.seconds) * 1000 + time.nanos / 1e6).toISOString();
}

function jobRow(job: TrainingJob__Output): string[] {
  const { progress, result } = job;
  const left =
    progress?.etaSeconds === undefined || stateOf(job) !== 'RUNNING' ? '' : `, ${duration(progress.etaSeconds)} left`;
  const made = [result?.model, result?.base].filter((each) => each !== undefined && each !== '').join(', ');
  return [
    job.id,
    job.name,
    stateOf(job),
    progress === null ? '-' : `${progress.epoch}/${progress.epochCount}`,
    progress === null ? '-' : `${Math.floor(progress.progress * 100)} %${left}`,
    progress?.best ? score(progress.best.score) : '-',
    made || (waits(job) ? job.stateMessage : '') || '-',
    iso(job.createTime).replace(/\.\d+Z$/, 'Z'),
  ];
}

function jobJson(job: TrainingJob__Output): Record<string, unknown> {
  const { progress, result, error } = job;
  return {
    id: job.id,
    name: job.name,
    state: stateOf(job),
    state_message: job.stateMessage,
    data: job.spec?.data ?? null,
    base: job.spec?.base ?? null,
    ranks: job.spec?.ranks ?? 1,
    priority: job.priority,
    attempts: job.attemptCount,
    epoch: progress?.epoch ?? null,
    epochs: progress?.epochCount ?? null,
    progress: progress?.progress ?? null,
    eta_seconds: progress?.etaSeconds ?? null,
    best_score: progress?.best?.score ?? null,
    result: result && { model: result.model, base: result.base, report: result.report, metrics: result.metrics },
    error: error && { code: error.reason, message: error.message, field: error.field },
    create_time: iso(job.createTime),
    start_time: iso(job.startTime),
    end_time: iso(job.endTime),
  };
}
