// A rendered chart against Kubernetes' own types: right types and required fields by schema, and no field that there is not.
// Neither half does both: the schemas let unknown fields pass, and the list of fields knows no types.

import { parseAllDocuments } from 'yaml';
import { operatorProblem } from './tools';

interface PodSpec {
  automountServiceAccountToken: boolean;
  securityContext: object;
  terminationGracePeriodSeconds: number;
  containers: Container[];
}

export interface Container {
  name: string;
  env: { name: string; value?: string; valueFrom?: object }[];
  ports: { name: string; containerPort: number }[];
  [field: string]: unknown;
}

/** What tests look at; which fields there are depends on the kind. */
export interface Manifest {
  apiVersion: string;
  kind: string;
  metadata: { name: string; labels: Record<string, string> };
  spec: {
    replicas?: number | string;
    selector?: Record<string, string> & { matchLabels: Record<string, string> };
    template: { metadata: { labels: Record<string, string> }; spec: PodSpec };
    scaleTargetRef: { name: string };
  };
}

/** The objects of `helm template`. @throws for YAML that names a key twice */
export function parseManifests(text: string): Manifest[] {
  return parseAllDocuments(text, { uniqueKeys: true })
    .map((document) => {
      const [error] = document.errors;
      if (error) throw error;
      return document.toJS() as Manifest | null;
    })
    .filter((manifest) => manifest !== null);
}

type Model = new (data: unknown) => { validate(): void };

/** Groups whose schemas operatorProblem() has. */
const OPERATORS = /^(cert-manager[.]io|gateway[.]networking[.]k8s[.]io|keda[.]sh|monitoring[.]coreos[.]com)[/]/;

function schemaProblem(manifest: Manifest): string {
  const { apiVersion, kind } = manifest;
  if (OPERATORS.test(apiVersion)) return operatorProblem(manifest);
  // eslint-disable-next-line @typescript-eslint/no-require-imports
  const models = require(`kubernetes-models/${apiVersion}`) as Record<string, Model | undefined>;
  const model = models[kind];
  if (!model) return `there is no schema for ${apiVersion} ${kind}`;
  try {
    new model(manifest).validate();
    return '';
  } catch (error) {
    return (error as Error).message;
  }
}

interface Attribute {
  baseName: string;
  type: string;
}
type Described = { getAttributeTypeMap?: () => Attribute[] } | undefined;

/** Paths of fields that Kubernetes' type of the object does not have; of kinds that its client knows. */
async function unknownFields(manifest: Manifest): Promise<string[]> {
  const types = (await import('@kubernetes/client-node')) as unknown as Record<string, Described>;
  const version = (manifest.apiVersion.split('/').pop() ?? '').replace(/^v/, 'V');
  const root = `${version}${manifest.kind}`;
  if (!types[root]) return [];
  const found: string[] = [];
  const walk = (value: unknown, type: string, path: string): void => {
    const inner = /^(?:Array<|\{ \[key: string\]: )(\w+)[;>]/.exec(type)?.[1];
    if (inner !== undefined && typeof value === 'object' && value !== null) {
      for (const [key, each] of Object.entries(value)) walk(each, inner, `${path}[${key}]`);
      return;
    }
    const attributes = types[type]?.getAttributeTypeMap?.();
    if (!attributes || typeof value !== 'object' || value === null) return;
    for (const [key, each] of Object.entries(value)) {
      const attribute = attributes.find(({ baseName }) => baseName === key);
      if (attribute) walk(each, attribute.type, `${path}.${key}`);
      else found.push(`${path}.${key}`);
    }
  };
  walk(manifest, root, manifest.kind);
  return found;
}

/** What is wrong with a manifest; empty when nothing is. */
export async function problemsOf(manifest: Manifest): Promise<string[]> {
  const name = `${manifest.kind} ${manifest.metadata.name}`;
  const problems = (await unknownFields(manifest)).map((field) => `${name}: ${field} does not exist`);
  const problem = schemaProblem(manifest);
  return problem === '' ? problems : [...problems, `${name}: ${problem}`];
}
