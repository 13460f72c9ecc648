// The ranks of a process group as pods of an Indexed Job. What they tell comes through the job folder, which the pods and
// this process share: Kubernetes only says whether the Job ended.

import { createHash } from 'node:crypto';
import { open, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { makeFolder } from '../../../common/make-folder';
import { automedError } from '../../../common/errors';
import { replaceFile } from '../../../store/durable';
import {
  RankLostError,
  type ProcessGroupAttempt,
  type ProcessGroupLauncher,
} from '../../../worker/launch/launch-process-group';
import {
  processGroupJob,
  processGroupService,
  type KubernetesProcessGroup,
  type KubernetesProcessGroupSettings,
} from './kubernetes-manifest';
import { outcomeOf } from '../../../worker/launch/rank-process';
import { verdict, type RankEnd } from '../../../worker/launch/verdict';
import { workerEventSchema, type FinishedEvent, type WorkerEvent } from '../../../worker/protocol/protocol';
import { ClusterUnreachableError, type Cluster, type JobEnd } from './cluster';

export interface KubernetesLauncherOptions {
  settings: KubernetesProcessGroupSettings;
  cluster: Cluster;
  /** Between two looks at what the ranks have written, milliseconds. */
  pollMs?: number;
}

/** What a rank has written since the last look. */
class EventFile {
  private offset = 0;
  private rest = Buffer.alloc(0);

  constructor(private readonly path: string) {}

  async read(): Promise<WorkerEvent[]> {
    const file = await open(this.path).catch(() => undefined);
    if (!file) return [];
    try {
      const { size } = await file.stat();
      const { buffer, bytesRead } = await file.read(Buffer.alloc(Math.max(0, size - this.offset)), {
        position: this.offset,
      });
      this.offset += bytesRead;
      this.rest = Buffer.concat([this.rest, buffer.subarray(0, bytesRead)]);
    } finally {
      await file.close();
    }
    // What follows the last line break is a line that is still being written, or nothing.
    const end = this.rest.lastIndexOf('\n') + 1;
    const lines = this.rest.subarray(0, end).toString('utf8').split('\n').slice(0, -1);
    this.rest = this.rest.subarray(end);
    return lines.flatMap(eventsOf);
  }
}

/** The event that a line holds; none where a full disk tore it. */
function eventsOf(line: string): WorkerEvent[] {
  try {
    const parsed = workerEventSchema.safeParse(JSON.parse(line));
    return parsed.success ? [parsed.data] : [];
  } catch {
    return [];
  }
}

async function removeEvents(folder: string, attempt: number): Promise<void> {
  for (const name of await readdir(folder)) {
    if (name.startsWith(`events-${attempt}-`)) await rm(join(folder, name), { force: true });
  }
}

export class KubernetesLauncher implements ProcessGroupLauncher {
  constructor(private readonly options: KubernetesLauncherOptions) {}

  /**
   * An attempt of the same run that is under way already, of a process that ended since, is taken over. While the cluster
   * is out of reach its Job goes on: the process group counts as lost, and the next attempt takes it over.
   */
  async run(attempt: ProcessGroupAttempt): Promise<FinishedEvent> {
    try {
      return await this.attempt(attempt);
    } catch (error) {
      // Who asked to stop must hear that the Job may go on.
      if (error instanceof ClusterUnreachableError && !attempt.signal.aborted) throw new RankLostError(error.message);
      throw error;
    }
  }

  private async attempt({ spec, attempt, onEvent, signal }: ProcessGroupAttempt): Promise<FinishedEvent> {
    const { settings, cluster, pollMs = 500 } = this.options;
    const folder = join(spec.jobFolder, 'process-group');
    await makeFolder(folder);
    // Settings of the service are none of the run's: a Job under way is found again when they change.
    const facts = JSON.stringify({ ...spec, resume: undefined, threads: undefined });
    const run = createHash('sha256').update(facts).digest('hex').slice(0, 12);
    const processGroup: KubernetesProcessGroup = {
      name: `automed-train-${run}-${attempt}`,
      ranks: spec.ranks,
      threads: spec.threads,
      specPath: join(folder, `spec-${attempt}.json`),
      eventsPath: join(folder, `events-${attempt}`),
    };
    await replaceFile(processGroup.specPath, JSON.stringify(spec));
    const { namespace } = settings;
    // What an attempt of the same name left would be read as this one's; one that is under way goes on writing.
    if (!(await cluster.hasJob(namespace, processGroup.name))) await removeEvents(folder, attempt);
    const job = await cluster.createJob(namespace, processGroupJob(processGroup, settings));
    let end: JobEnd | undefined;
    try {
      await cluster.createService(
        namespace,
        processGroupService(processGroup, settings, { name: processGroup.name, uid: job.metadata?.uid ?? '' }),
      );
      end = await this.follow(processGroup, onEvent, signal, pollMs);
    } catch (error) {
      if (!(error instanceof ClusterUnreachableError)) await cluster.deleteJob(namespace, processGroup.name);
      throw error;
    }
    await cluster.deleteJob(namespace, processGroup.name);
    // Judged once no pod is left: rank 0 may have registered the result while it was asked to stop.
    return this.judge(processGroup, end, signal.aborted);
  }

  /** Follows the Job to its end and hands on what rank 0 tells. */
  private async follow(
    processGroup: KubernetesProcessGroup,
    onEvent: (event: WorkerEvent) => void,
    signal: AbortSignal,
    pollMs: number,
  ): Promise<JobEnd | undefined> {
    const leader = new EventFile(`${processGroup.eventsPath}-0.jsonl`);
    const tell = (events: readonly WorkerEvent[]): void => {
      for (const event of events) if (!outcomeOf(event)) onEvent(event);
    };
    const ended = new AbortController();
    const tail = (async () => {
      while (!ended.signal.aborted) {
        // A volume that does not answer may answer at the next look; the last one tells.
        tell(await leader.read().catch(() => []));
        await delay(pollMs, undefined, { signal: ended.signal }).catch(() => undefined);
      }
    })();
    tail.catch(() => undefined); // awaited below, and until then not unhandled
    try {
      return await this.options.cluster.followJob(this.options.settings.namespace, processGroup.name, signal);
    } finally {
      ended.abort();
      await tail;
      tell(await leader.read());
    }
  }

  private async judge(
    processGroup: KubernetesProcessGroup,
    end: JobEnd | undefined,
    cancelled: boolean,
  ): Promise<FinishedEvent> {
    const ends: RankEnd[] = [];
    for (let rank = 0; rank < processGroup.ranks; rank += 1) {
      const last = (await new EventFile(`${processGroup.eventsPath}-${rank}.jsonl`).read()).at(-1);
      const outcome = last && outcomeOf(last);
      if (outcome) ends.push({ rank, outcome });
    }
    if (end?.state === 'complete' && !ends.some(({ rank }) => rank === 0)) {
      throw automedError(
        'ILLEGAL_STATE',
        'The Job is complete, but rank 0 wrote no result; do the ranks and this process share the job folder?',
        { field: 'jobFolder' },
      );
    }
    try {
      return verdict(ends, cancelled);
    } catch (error) {
      // Of a pod that was killed nothing is written; the Job's own words are the better ones.
      if (error instanceof RankLostError && end?.state === 'failed')
        throw new RankLostError(`the Job failed: ${end.why}`);
      if (error instanceof RankLostError && end?.state === 'gone') throw new RankLostError('the Job was deleted');
      throw error;
    }
  }
}
