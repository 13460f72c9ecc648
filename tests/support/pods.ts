// What a cluster's nodes do with the Job of a process group: its pods are processes of this machine. Each runs the container's own
// command with its own environment; only the name of rank 0, which a cluster's DNS would resolve, becomes loopback.

import { spawn, type ChildProcess } from 'node:child_process';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { KubernetesApi, KubernetesObject } from './kubernetes-api';

const root = join(__dirname, '../..');

interface PodSpec {
  completions: number;
  template: { spec: { containers: { command: string[]; env: { name: string; value: string }[] }[] } };
}

/** A port of loopback that nobody listens on now. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

const ended = (child: ChildProcess): Promise<number | null> =>
  new Promise((resolve) => child.once('exit', (code) => resolve(code)));

export class Pods {
  /** Of the newest Job, by rank. */
  processes: ChildProcess[] = [];
  /** Jobs so far. */
  jobs: KubernetesObject[] = [];
  private gone: Promise<unknown> = Promise.resolve();

  constructor(private readonly api: KubernetesApi) {
    api.onJob = (job) => void this.run(job);
    api.onDelete = (name) => {
      this.end('SIGTERM');
      void this.gone.then(() => api.finishDelete(name));
    };
  }

  /** Ends what runs; resolves when it is gone. */
  async stop(): Promise<void> {
    this.end('SIGKILL');
    await this.gone;
  }

  private end(signal: NodeJS.Signals): void {
    for (const pod of this.processes) pod.kill(signal);
  }

  private async run(job: KubernetesObject): Promise<void> {
    this.jobs.push(job);
    const { completions, template } = job.spec as unknown as PodSpec;
    const { command, env } = template.spec.containers[0]!;
    const inherited = Object.entries(process.env).filter(([key]) => !key.startsWith('AUTOMED_'));
    const environment = {
      ...Object.fromEntries(inherited),
      ...Object.fromEntries(env.map(({ name, value }) => [name, value])),
      MASTER_ADDR: '127.0.0.1',
      MASTER_PORT: String(await freePort()),
    };
    this.processes = Array.from({ length: completions }, (_, rank) =>
      spawn(command[0]!, command.slice(1), {
        cwd: root,
        stdio: 'ignore',
        env: { ...environment, JOB_COMPLETION_INDEX: String(rank) },
      }),
    );
    const ends = this.processes.map(async (pod, rank) => {
      const code = await ended(pod);
      if (code !== 0) this.fail(job, `Container rank of pod ${rank} failed with exit code ${code ?? 137}`);
      return code;
    });
    const all = Promise.all(ends);
    this.gone = all;
    const codes = await all;
    if (codes.every((code) => code === 0)) this.api.setCondition(job.metadata.name, 'Complete');
  }

  /** The pod failure policy: the others end, then the Job has failed. */
  private fail(job: KubernetesObject, why: string): void {
    if (job.status?.conditions?.some(({ type }) => type === 'Failed')) return;
    this.end('SIGTERM');
    this.api.setCondition(job.metadata.name, 'Failed', why);
  }
}
