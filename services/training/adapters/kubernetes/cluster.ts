// The few calls of the Kubernetes API that a process group needs, idempotent, with typed errors.

import { setTimeout as delay } from 'node:timers/promises';
import type { BatchV1Api, CoreV1Api, KubeConfig, V1Job, V1Service, Watch } from '@kubernetes/client-node' with {
  'resolution-mode': 'import',
};
import { automedError, UnavailableError } from '../../../common/errors';

/** What became of a Job. */
export type JobEnd = { state: 'complete' } | { state: 'failed'; why: string } | { state: 'gone' };

export interface ClusterOptions {
  /** Between two tries of a call or a watch that failed, milliseconds. */
  retryMs?: number;
  /** Tries of a call that the server does not answer. */
  attempts?: number;
}

/** An API server that starts anew is back within so many tries. */
const OUTAGE_TRIES = 15;
const NOT_FOUND = 404;
const CONFLICT = 409;
const GONE = 410;

/** HTTP status of an error of the client, when it has one. */
function statusOf(error: unknown): number | undefined {
  const { code, statusCode } = error as { code?: unknown; statusCode?: unknown };
  if (typeof code === 'number') return code;
  return typeof statusCode === 'number' ? statusCode : undefined;
}

/** What the server said, without headers and request. */
function reasonOf(error: unknown): string {
  const { body, message } = error as { body?: unknown; message?: string };
  try {
    const status = (typeof body === 'string' ? JSON.parse(body) : body) as { message?: string } | undefined;
    if (status?.message !== undefined) return status.message;
  } catch {
    // Not a Status; its message will do.
  }
  return message ?? String(error);
}

/** The API does not answer, or has an error of its own: what runs in the cluster may go on all the same. */
export class ClusterUnreachableError extends UnavailableError {}

function typed(what: string, error: unknown): Error {
  const status = statusOf(error);
  const sentence = `${what}: ${reasonOf(error)}`;
  if (status === undefined || status >= 500 || status === 429) {
    return new ClusterUnreachableError('SERVICE_UNAVAILABLE', sentence, { cause: error });
  }
  if (status === 401 || status === 403) return automedError('ILLEGAL_STATE', sentence, { cause: error });
  return automedError('INVALID_ARGUMENT', sentence, { cause: error });
}

/** The end that a Job's conditions tell. */
function endOf(job: V1Job): JobEnd | undefined {
  const condition = (type: string) => job.status?.conditions?.find((one) => one.type === type && one.status === 'True');
  if (condition('Complete')) return { state: 'complete' };
  const failed = condition('Failed');
  if (!failed) return undefined;
  return { state: 'failed', why: failed.message ?? failed.reason ?? 'it failed' };
}

export class Cluster {
  private constructor(
    private readonly batch: BatchV1Api,
    private readonly core: CoreV1Api,
    private readonly watcher: Watch,
    private readonly options: Required<ClusterOptions>,
  ) {}

  /** @param configure fills in where the cluster is; default: this pod's own, else the user's kubeconfig */
  static async connect(
    configure: (config: KubeConfig) => void = (config) => config.loadFromDefault(),
    { retryMs = 1_000, attempts = OUTAGE_TRIES }: ClusterOptions = {},
  ): Promise<Cluster> {
    // Loaded only where it is used: the client is large, and most installations have no cluster.
    const { KubeConfig, BatchV1Api, CoreV1Api, Watch } = await import('@kubernetes/client-node');
    const config = new KubeConfig();
    configure(config);
    if (!config.getCurrentCluster()) throw automedError('ILLEGAL_STATE', 'No Kubernetes cluster is configured.');
    const [batch, core] = [config.makeApiClient(BatchV1Api), config.makeApiClient(CoreV1Api)];
    return new Cluster(batch, core, new Watch(config), { retryMs, attempts });
  }

  /** Tries again while the server does not answer or has an error of its own. */
  private async call<T>(what: string, action: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await action();
      } catch (error) {
        const status = statusOf(error);
        const passing = status === undefined || status >= 500 || status === 429;
        if (!passing || attempt >= this.options.attempts) throw typed(what, error);
        await delay(this.options.retryMs);
      }
    }
  }

  /** The Job of that name; the one that is there, when there is one. */
  async createJob(namespace: string, job: V1Job): Promise<V1Job> {
    const name = job.metadata?.name ?? '';
    return this.call('The Job cannot be created', async () => {
      try {
        return await this.batch.createNamespacedJob({ namespace, body: job });
      } catch (error) {
        if (statusOf(error) !== CONFLICT) throw error;
        return this.batch.readNamespacedJob({ namespace, name });
      }
    });
  }

  async hasJob(namespace: string, name: string): Promise<boolean> {
    return this.call('The Job cannot be read', async () => {
      try {
        await this.batch.readNamespacedJob({ namespace, name });
        return true;
      } catch (error) {
        if (statusOf(error) === NOT_FOUND) return false;
        throw error;
      }
    });
  }

  async createService(namespace: string, service: V1Service): Promise<void> {
    await this.call('The Service of the process group cannot be created', async () => {
      try {
        await this.core.createNamespacedService({ namespace, body: service });
      } catch (error) {
        if (statusOf(error) !== CONFLICT) throw error;
      }
    });
  }

  /** Follows a Job to its end, or until `signal`; undefined then. */
  async followJob(namespace: string, name: string, signal: AbortSignal): Promise<JobEnd | undefined> {
    const fieldSelector = `metadata.name=${name}`;
    while (!signal.aborted) {
      const list = await this.call('The Job cannot be read', () =>
        this.batch.listNamespacedJob({ namespace, fieldSelector }),
      );
      const [job] = list.items;
      if (!job) return { state: 'gone' };
      const end =
        endOf(job) ?? (await this.watchOnce(namespace, fieldSelector, list.metadata?.resourceVersion, signal));
      if (end) return end;
      // The watch ended early: dropped, expired (410), or at the server's time limit. The list says where the Job is now.
      await delay(this.options.retryMs, undefined, { signal }).catch(() => undefined);
    }
    return undefined;
  }

  /** One watch, to the Job's end or its own. */
  private async watchOnce(
    namespace: string,
    fieldSelector: string,
    resourceVersion: string | undefined,
    signal: AbortSignal,
  ): Promise<JobEnd | undefined> {
    let end: JobEnd | undefined;
    let stop: AbortController | undefined;
    const onAbort = (): void => stop?.abort();
    await new Promise<void>((resolve) => {
      const hear = (type: string, object: V1Job & { code?: number }): void => {
        if (type === 'DELETED') end = { state: 'gone' };
        else if (type !== 'ERROR') end = endOf(object);
        else if (object.code !== GONE) end = undefined;
        if (end || type === 'ERROR') stop?.abort();
      };
      const path = `/apis/batch/v1/namespaces/${namespace}/jobs`;
      const query = { fieldSelector, resourceVersion, allowWatchBookmarks: true };
      signal.addEventListener('abort', onAbort, { once: true });
      void this.watcher
        .watch(path, query, hear, () => resolve())
        .then((controller) => {
          stop = controller;
          // The end may have come with the first bytes.
          if (end || signal.aborted) controller.abort();
        });
    });
    signal.removeEventListener('abort', onAbort);
    return end;
  }

  /** Deletes a Job and waits until it and its pods are gone. */
  async deleteJob(namespace: string, name: string): Promise<void> {
    await this.call('The Job cannot be deleted', async () => {
      try {
        await this.batch.deleteNamespacedJob({ namespace, name, propagationPolicy: 'Foreground' });
      } catch (error) {
        if (statusOf(error) !== NOT_FOUND) throw error;
      }
    });
    // In the foreground a Job stays until its pods are gone.
    while (await this.hasJob(namespace, name)) await delay(this.options.retryMs);
  }
}
