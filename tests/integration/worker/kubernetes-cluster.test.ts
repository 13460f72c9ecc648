// The calls of the Kubernetes API, through the real client and real HTTP.

import { Cluster } from '../../../services/training/adapters/kubernetes/cluster';
import {
  processGroupJob,
  processGroupService,
  type KubernetesProcessGroupSettings,
} from '../../../services/training/adapters/kubernetes/kubernetes-manifest';
import { KubernetesApi } from '../../support/kubernetes-api';

const settings: KubernetesProcessGroupSettings = {
  namespace: 'training',
  image: 'registry.example/automed:1',
  imagePullPolicy: 'IfNotPresent',
  cpu: '2',
  memory: '4Gi',
  gpus: 0,
  volumes: [],
  nodeSelector: {},
  userId: 10001,
  sharedMemory: '1Gi',
};
const processGroup = {
  name: 'process-group-1',
  ranks: 2,
  threads: 2,
  specPath: '/jobs/spec.json',
  eventsPath: '/jobs/events',
};
const job = () => processGroupJob(processGroup, settings);

let api: KubernetesApi;
let cluster: Cluster;

beforeEach(async () => {
  api = new KubernetesApi();
  const server = await api.start();
  cluster = await Cluster.connect(
    (config) =>
      config.loadFromOptions({
        clusters: [{ name: 'test', server, skipTLSVerify: true }],
        users: [{ name: 'test' }],
        contexts: [{ name: 'test', cluster: 'test', user: 'test' }],
        currentContext: 'test',
      }),
    { retryMs: 20, attempts: 3 },
  );
});
afterEach(() => api.stop());

/** Waits for what another connection does. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 10));
}

const never = new AbortController().signal;

it('creates a Job and its Service once, however often it is asked to', async () => {
  const first = await cluster.createJob('training', job());
  const second = await cluster.createJob('training', job());
  expect(second.metadata?.uid).toBe(first.metadata?.uid);
  const service = processGroupService(processGroup, settings, {
    name: processGroup.name,
    uid: first.metadata?.uid ?? '',
  });
  await cluster.createService('training', service);
  await cluster.createService('training', service);
  expect([...api.objects.keys()]).toEqual(['jobs/process-group-1', 'services/process-group-1']);
});

it('the client of Kubernetes follows a Job to its end through connections that drop and versions that expire', async () => {
  await cluster.createJob('training', job());
  const following = cluster.followJob('training', 'process-group-1', never);
  await until(() => api.watching === 1);
  api.setCondition('process-group-1', 'Suspended');
  api.dropWatches();
  await until(() => api.watching === 1);
  api.expireWatches();
  await until(() => api.watching === 1);
  api.setCondition('process-group-1', 'Failed', 'a pod failed');
  expect(await following).toEqual({ state: 'failed', why: 'a pod failed' });
  expect(api.requests.filter((line) => line.endsWith('(watch)'))).toHaveLength(3);
});

it('sees an end that came while nobody watched, and a Job that somebody deleted', async () => {
  await cluster.createJob('training', job());
  const following = cluster.followJob('training', 'process-group-1', never);
  await until(() => api.watching === 1);
  api.fail(503);
  api.dropWatches();
  api.setCondition('process-group-1', 'Complete');
  expect(await following).toEqual({ state: 'complete' });
  await cluster.createJob('training', processGroupJob({ ...processGroup, name: 'process-group-2' }, settings));
  const second = cluster.followJob('training', 'process-group-2', never);
  await until(() => api.watching === 1);
  api.finishDelete('process-group-2');
  expect(await second).toEqual({ state: 'gone' });
  expect(await cluster.followJob('training', 'process-group-2', never)).toEqual({ state: 'gone' });
});

it('the client of Kubernetes stops following when it is told to', async () => {
  await cluster.createJob('training', job());
  const stop = new AbortController();
  const following = cluster.followJob('training', 'process-group-1', stop.signal);
  await until(() => api.watching === 1);
  stop.abort();
  expect(await following).toBeUndefined();
  await until(() => api.watching === 0);
});

it('the client of Kubernetes deletes a Job and waits until its pods are gone; one that is gone already is no error', async () => {
  await cluster.createJob('training', job());
  let [asked, done] = [false, false];
  api.onDelete = () => (asked = true);
  const deleting = cluster.deleteJob('training', 'process-group-1').then(() => (done = true));
  await until(() => asked);
  const seen = api.requests.length;
  await until(() => api.requests.length > seen + 1);
  expect(done).toBe(false);
  api.finishDelete('process-group-1');
  await deleting;
  await cluster.deleteJob('training', 'process-group-1');
});

it('tries again while the server is not well, and says in a sentence what it refused', async () => {
  api.fail(500, 429);
  await cluster.createJob('training', job());
  api.fail(500, 500, 500);
  await expect(cluster.createJob('training', job())).rejects.toMatchObject({
    code: 'SERVICE_UNAVAILABLE',
    message: 'The Job cannot be created: told to answer 500',
  });
  api.fail(403);
  await expect(cluster.createJob('training', job())).rejects.toMatchObject({ code: 'ILLEGAL_STATE' });
  api.fail(422);
  await expect(cluster.createJob('training', job())).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
});
