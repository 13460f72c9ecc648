import { Job } from 'kubernetes-models/batch/v1';
import { Service } from 'kubernetes-models/v1';
import {
  processGroupJob,
  processGroupService,
  type KubernetesProcessGroupSettings,
} from '../../../../../../services/training/adapters/kubernetes/kubernetes-manifest';

const settings: KubernetesProcessGroupSettings = {
  namespace: 'training',
  image: 'registry.example/automed:1',
  imagePullPolicy: 'IfNotPresent',
  serviceAccount: 'trainer',
  cpu: '4',
  memory: '16Gi',
  gpus: 1,
  volumes: [{ claim: 'store', path: '/store' }],
  nodeSelector: { pool: 'gpu' },
  userId: 10001,
  sharedMemory: '1Gi',
  objectStore: { env: { AUTOMED_MODEL_STORE: 's3://models/site', AWS_REGION: 'eu-1' }, secret: 's3' },
};
const processGroup = {
  name: 'automed-train-1',
  ranks: 3,
  threads: 4,
  specPath: '/store/spec.json',
  eventsPath: '/store/events',
};

type Plain = Record<string, unknown>;

interface Described {
  attributeTypeMap: { name: string; baseName: string; type: string }[];
}

/** Fields that the client's model of the API does not know: what the schema check does not look for. */
async function unknownFields(kind: string, object: unknown): Promise<string[]> {
  const models = (await import('@kubernetes/client-node')) as unknown as Record<string, Described | undefined>;
  const walk = (type: string, value: unknown, path: string): string[] => {
    const element = /^Array<(.+)>$/.exec(type)?.[1];
    if (element !== undefined) return (value as unknown[]).flatMap((one, at) => walk(element, one, `${path}[${at}]`));
    const attributes = models[type]?.attributeTypeMap;
    if (!attributes) return [];
    return Object.entries(value as Plain).flatMap(([name, below]) => {
      const attribute = attributes.find(({ baseName }) => baseName === name);
      return attribute ? walk(attribute.type, below, `${path}.${name}`) : [`${path}.${name}`];
    });
  };
  return walk(kind, object, kind);
}

const owner = { name: processGroup.name, uid: 'a-b-c' };

describe('the manifests of a process group', () => {
  it('tell ranks where bases and models are, and leave credentials in their Secret', () => {
    const [rank] = processGroupJob(processGroup, settings).spec.template.spec.containers;
    expect(rank?.env).toContainEqual({ name: 'AUTOMED_MODEL_STORE', value: 's3://models/site' });
    expect(rank?.envFrom).toEqual([{ secretRef: { name: 's3' } }]);
  });

  it("pass Kubernetes' schema and hold no unknown field", async () => {
    const job = processGroupJob(processGroup, settings);
    const service = processGroupService(processGroup, settings, owner);
    new Job(job as unknown as ConstructorParameters<typeof Job>[0]).validate();
    new Service(service).validate();
    expect(await unknownFields('V1Job', job)).toEqual([]);
    expect(await unknownFields('V1Service', service)).toEqual([]);
    const misspelt = { ...job, spec: { ...job.spec, completionsMode: 'Indexed' } };
    expect(await unknownFields('V1Job', misspelt)).toEqual(['V1Job.spec.completionsMode']);
  });

  it('give every rank its place, and rank 0 a name that the Service answers for', () => {
    const job = processGroupJob(processGroup, settings);
    expect(job.spec).toMatchObject({ completionMode: 'Indexed', completions: 3, parallelism: 3, backoffLimit: 0 });
    const { subdomain, containers } = job.spec.template.spec;
    const service = processGroupService(processGroup, settings, owner);
    expect(subdomain).toBe(service.metadata.name);
    expect(containers[0]!.env).toContainEqual({ name: 'WORLD_SIZE', value: '3' });
    expect(containers[0]!.env).toContainEqual({ name: 'MASTER_ADDR', value: 'automed-train-1-0.automed-train-1' });
    expect(service.spec).toMatchObject({ clusterIP: 'None', publishNotReadyAddresses: true });
  });

  it('run without privileges, within limits', () => {
    const pod = processGroupJob(processGroup, settings).spec.template.spec;
    expect(pod.securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } });
    expect(pod.containers[0]!.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
    expect(pod.containers[0]!.resources.limits).toEqual({ cpu: '4', memory: '16Gi', 'nvidia.com/gpu': '1' });
    expect(pod.automountServiceAccountToken).toBe(false);
  });
});
