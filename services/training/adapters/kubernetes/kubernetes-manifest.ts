// A process group as Kubernetes objects: an Indexed Job whose pods are the ranks, and a headless Service that gives rank 0
// a name. The Job never repairs single pods: when one fails all end, and launchProcessGroup starts the process group again
// as a new Job.

/** Where and as what the ranks run. Paths of data, store and job folder must be on the volumes, at the same place. */
export interface KubernetesProcessGroupSettings {
  namespace: string;
  /** Image of this build; its entry point is replaced. */
  image: string;
  imagePullPolicy: 'Always' | 'IfNotPresent' | 'Never';
  /** Absent: the namespace's default, without its token in any case. */
  serviceAccount?: string;
  /** Of each rank, as Kubernetes quantities. */
  cpu: string;
  memory: string;
  /** NVIDIA GPUs of each rank. */
  gpus: number;
  /** Persistent volume claims that every rank mounts. */
  volumes: readonly { claim: string; path: string }[];
  nodeSelector: Readonly<Record<string, string>>;
  /** User and group of the ranks. */
  userId: number;
  /** Size of /dev/shm, which LibTorch's threads share tensors through. */
  sharedMemory: string;
  /** What ranks need to reach bases and models that are in an object store: settings, and the Secret of its credentials. */
  objectStore?: { env: Readonly<Record<string, string>>; secret?: string };
}

export interface KubernetesProcessGroup {
  /** Of the Job and its Service: a DNS label of at most 57 characters. */
  name: string;
  ranks: number;
  /** LibTorch threads of each rank. */
  threads: number;
  /** File of the training's specification, and where each rank writes what happens: `<events>-<rank>.jsonl`. */
  specPath: string;
  eventsPath: string;
}

const MASTER_PORT = 29_500;
const GRACE_SECONDS = 30;
/** Of a finished Job that nobody deleted. */
const KEEP_SECONDS = 24 * 3600;

const labelsOf = (name: string) => ({
  'app.kubernetes.io/name': 'automed',
  'app.kubernetes.io/component': 'training-rank',
  'app.kubernetes.io/instance': name,
});

function container(processGroup: KubernetesProcessGroup, settings: KubernetesProcessGroupSettings) {
  const { name, ranks, threads, specPath, eventsPath } = processGroup;
  const resources = {
    cpu: settings.cpu,
    memory: settings.memory,
    ...(settings.gpus > 0 ? { 'nvidia.com/gpu': String(settings.gpus) } : {}),
  };
  return {
    name: 'rank',
    image: settings.image,
    imagePullPolicy: settings.imagePullPolicy,
    command: ['node', 'dist/services/worker/rank/main.js', '--spec', specPath, '--events', eventsPath],
    // Kubernetes itself adds JOB_COMPLETION_INDEX, the rank.
    env: [
      { name: 'WORLD_SIZE', value: String(ranks) },
      { name: 'MASTER_ADDR', value: `${name}-0.${name}` },
      { name: 'MASTER_PORT', value: String(MASTER_PORT) },
      { name: 'OMP_NUM_THREADS', value: String(threads) },
      ...Object.entries(settings.objectStore?.env ?? {}).map(([variable, value]) => ({ name: variable, value })),
    ],
    ...(settings.objectStore?.secret === undefined
      ? {}
      : { envFrom: [{ secretRef: { name: settings.objectStore.secret } }] }),
    ports: [{ name: 'process-group', containerPort: MASTER_PORT }],
    resources: { requests: resources, limits: resources },
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    },
    volumeMounts: [
      { name: 'tmp', mountPath: '/tmp' },
      { name: 'shm', mountPath: '/dev/shm' },
      ...settings.volumes.map(({ path }, index) => ({ name: `volume-${index}`, mountPath: path })),
    ],
  };
}

/** @returns a batch/v1 Job */
export function processGroupJob(processGroup: KubernetesProcessGroup, settings: KubernetesProcessGroupSettings) {
  const { name, ranks } = processGroup;
  const metadata = { name, namespace: settings.namespace, labels: labelsOf(name) };
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata,
    spec: {
      completionMode: 'Indexed',
      completions: ranks,
      parallelism: ranks,
      backoffLimit: 0,
      ttlSecondsAfterFinished: KEEP_SECONDS,
      podFailurePolicy: {
        rules: [
          {
            action: 'FailJob',
            onExitCodes: { containerName: 'rank', operator: 'NotIn', values: [0] },
          },
          // Evicted, preempted, its node drained: a pod that came back alone would meet a process group that has moved on.
          { action: 'FailJob', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] },
        ],
      },
      template: {
        metadata: { labels: labelsOf(name) },
        spec: {
          restartPolicy: 'Never',
          // Pods are called <Job>-<index>; with the Service's name as subdomain rank 0 is <Job>-0.<Service>.
          subdomain: name,
          terminationGracePeriodSeconds: GRACE_SECONDS,
          automountServiceAccountToken: false,
          ...(settings.serviceAccount === undefined ? {} : { serviceAccountName: settings.serviceAccount }),
          nodeSelector: settings.nodeSelector,
          securityContext: {
            runAsNonRoot: true,
            runAsUser: settings.userId,
            runAsGroup: settings.userId,
            fsGroup: settings.userId,
            seccompProfile: { type: 'RuntimeDefault' },
          },
          containers: [container(processGroup, settings)],
          volumes: [
            { name: 'tmp', emptyDir: {} },
            { name: 'shm', emptyDir: { medium: 'Memory', sizeLimit: settings.sharedMemory } },
            ...settings.volumes.map(({ claim }, index) => ({
              name: `volume-${index}`,
              persistentVolumeClaim: { claimName: claim },
            })),
          ],
        },
      },
    },
  };
}

/** @param owner the Job, which takes the Service with it when it is deleted @returns a v1 Service */
export function processGroupService(
  { name }: Pick<KubernetesProcessGroup, 'name'>,
  { namespace }: Pick<KubernetesProcessGroupSettings, 'namespace'>,
  owner: { name: string; uid: string },
) {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {
      name,
      namespace,
      labels: labelsOf(name),
      ownerReferences: [{ apiVersion: 'batch/v1', kind: 'Job', name: owner.name, uid: owner.uid, controller: true }],
    },
    spec: {
      clusterIP: 'None',
      // The ranks look for rank 0 before any of them is ready.
      publishNotReadyAddresses: true,
      selector: { 'batch.kubernetes.io/job-name': name },
      ports: [{ name: 'process-group', port: MASTER_PORT }],
    },
  };
}
