import type { TrainingEvent__Output } from '../../proto/gen/automed/training/v1/TrainingEvent';
import type { TrainingJob__Output } from '../../proto/gen/automed/training/v1/TrainingJob';
import type { TrainingSpec } from '../../proto/gen/automed/training/v1/TrainingSpec';
import {
  AutomedError,
  automedError,
  CancelledError,
  DeviceError,
  InternalError,
  UnavailableError,
} from '../common/errors';
import { trainingJobClient, type CallSettings } from '../common/grpc/client';
import { sleepMs } from '../common/timers';

const PAGE_SIZE = 200;
const FIRST_RETRY_MS = 250;
const LAST_RETRY_MS = 5_000;

/** `name` of a state without its prefix: RUNNING. */
export function stateOf({ state }: { state: string }): string {
  return state.replace('TRAINING_JOB_STATE_', '');
}

/** A stream that broke, not a request that was refused: connections end by age, services restart. */
function isBroken(error: unknown): boolean {
  return (
    error instanceof DeviceError ||
    error instanceof UnavailableError ||
    error instanceof CancelledError ||
    error instanceof InternalError
  );
}

function present(job: TrainingJob__Output | null): TrainingJob__Output {
  if (job === null) throw automedError('INTERNAL', 'the answer lacks its job');
  return job;
}

/** What a gateway offers about training jobs. Every method rejects with a typed error. */
export class TrainingJobs {
  private readonly client;

  /**
   * @param address `host:port` of a gateway
   * @param timeoutMs what one call may take; a watch takes as long as its job
   */
  constructor(
    address: string,
    private readonly timeoutMs: number,
  ) {
    this.client = trainingJobClient(address);
  }

  async create(spec: TrainingSpec, requestId: string, priority: number): Promise<TrainingJob__Output> {
    const { job } = await this.client.unary('CreateTrainingJob', { requestId, spec, priority }, this.settings());
    return present(job);
  }

  async get(id: string): Promise<TrainingJob__Output> {
    return present((await this.client.unary('GetTrainingJob', { id }, this.settings())).job);
  }

  /** Every job, newest first, all pages. */
  async list(): Promise<TrainingJob__Output[]> {
    const all: TrainingJob__Output[] = [];
    let pageToken = '';
    do {
      const request = { pageSize: PAGE_SIZE, pageToken };
      const page = await this.client.unary('ListTrainingJobs', request, this.settings());
      all.push(...page.jobs);
      pageToken = page.nextPageToken;
    } while (pageToken !== '');
    return all;
  }

  async cancel(id: string): Promise<TrainingJob__Output> {
    return present((await this.client.unary('CancelTrainingJob', { id }, this.settings())).job);
  }

  async pause(id: string): Promise<TrainingJob__Output> {
    return present((await this.client.unary('PauseTrainingJob', { id }, this.settings())).job);
  }

  async resume(id: string): Promise<TrainingJob__Output> {
    return present((await this.client.unary('ResumeTrainingJob', { id }, this.settings())).job);
  }

  async delete(id: string): Promise<void> {
    await this.client.unary('DeleteTrainingJob', { id }, this.settings());
  }

  /**
   * The events of a job to its end, each once. A stream that breaks is opened again behind the last event.
   * @param patienceMs how long to go on trying without an answer
   * @param onBroken hears of each break
   */
  async *watch(
    id: string,
    { patienceMs, onBroken, signal }: { patienceMs: number; onBroken: () => void; signal?: AbortSignal },
  ): AsyncGenerator<TrainingEvent__Output> {
    let next = 1;
    let lastHeard = Date.now();
    for (let retryMs = FIRST_RETRY_MS; ; retryMs = Math.min(LAST_RETRY_MS, retryMs * 2)) {
      try {
        for await (const { event } of this.client.serverStream(
          'WatchTrainingJob',
          { id, fromSequence: next },
          { signal },
        )) {
          if (event === null) continue;
          next = Number(event.sequence) + 1;
          [lastHeard, retryMs] = [Date.now(), FIRST_RETRY_MS];
          yield event;
        }
        return;
      } catch (error) {
        if (signal?.aborted || !isBroken(error) || !(error instanceof AutomedError)) throw error;
        if (Date.now() - lastHeard > patienceMs) throw error;
        onBroken();
        await sleepMs(retryMs, { signal });
      }
    }
  }

  close(): void {
    this.client.close();
  }

  private settings(): CallSettings {
    return { timeoutMs: this.timeoutMs };
  }
}
