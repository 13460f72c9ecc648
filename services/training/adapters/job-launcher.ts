// Where the processes of a job run.

import { launchProcessGroup, type ProcessGroupLauncher } from '../../worker/launch/launch-process-group';
import type { KubernetesProcessGroupSettings } from './kubernetes/kubernetes-manifest';
import { LocalLauncher } from '../../worker/launch/local-launcher';
import type { SchedulerDeps } from '../domain/jobs/scheduler';
import { launchWorker } from '../../worker/launch/launch-worker';
import { Cluster } from './kubernetes/cluster';
import { KubernetesLauncher } from './kubernetes/kubernetes-launcher';

/**
 * Starts workers as processes of this machine, and the ranks of a training of several where the settings say. A process
 * group that lost a rank is not started again here: that is the scheduler's affair, as with a worker that died.
 * @param kubernetes absent: all ranks are processes of this machine
 * @throws IllegalStateError when no cluster is configured
 */
export async function jobLauncher(
  env: Record<string, string | undefined>,
  kubernetes: KubernetesProcessGroupSettings | undefined,
): Promise<SchedulerDeps['launch']> {
  const remote = kubernetes && new KubernetesLauncher({ settings: kubernetes, cluster: await Cluster.connect() });
  return (command, options) => {
    const { ranks = 1 } = command.type === 'train' ? command.spec : {};
    if (command.type !== 'train' || ranks === 1) return launchWorker(command, { ...options, env });
    const { onEvent, onStart, signal, stopGraceMs } = options;
    const launcher: ProcessGroupLauncher =
      remote ??
      new LocalLauncher({
        env,
        onRank: (_, pid) => onStart?.(pid),
        ...(stopGraceMs === undefined ? {} : { graceMs: stopGraceMs }),
      });
    return launchProcessGroup(command.spec, {
      ranks,
      launcher,
      maxRestarts: 0,
      ...(onEvent ? { onEvent } : {}),
      ...(signal ? { signal } : {}),
    });
  };
}
