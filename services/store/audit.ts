// Reads every byte of every version and follows every reference: what an operator runs after a crash, a restore or a copy.

import { ModelStore, type StoredBase, type StoredModel } from './model-store';

export interface AuditProblem {
  /** `model polyp@3`, `base tiny@1`, `alias polyp@production`, or `store` for a version that cannot be read. */
  subject: string;
  problem: string;
}

export interface Audit {
  bases: number;
  models: number;
  aliases: number;
  /** Of weights that were read. */
  bytes: number;
  problems: AuditProblem[];
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Checks each version's weights against its sha256, each model's base, and each alias. */
export async function auditStore(root: string): Promise<Audit> {
  const problems: AuditProblem[] = [];
  const store = await ModelStore.open(root, {
    onProblem: (error) => problems.push({ subject: 'store', problem: messageOf(error) }),
  });
  const [bases, models] = [await store.listBases(), await store.listModels()];
  for (const [kind, versions] of [['base', bases] as const, ['model', models] as const]) {
    for (const stored of versions) {
      const { name, version } = stored.manifest;
      await store.verify(stored).catch((error: unknown) => {
        problems.push({ subject: `${kind} ${name}@${version}`, problem: messageOf(error) });
      });
    }
  }
  for (const model of models) {
    const problem = baseProblem(model, bases);
    if (problem) problems.push({ subject: `model ${model.manifest.name}@${model.manifest.version}`, problem });
  }
  let aliases = 0;
  for (const name of new Set(models.map(({ manifest }) => manifest.name))) {
    for (const [alias, version] of Object.entries(await store.aliases(name))) {
      aliases += 1;
      if (models.some(({ manifest }) => manifest.name === name && manifest.version === version)) continue;
      problems.push({
        subject: `alias ${name}@${alias}`,
        problem: `Version ${version} does not exist or cannot be read.`,
      });
    }
  }
  const bytes = [...bases, ...models].reduce((sum, { manifest }) => sum + manifest.weights.bytes, 0);
  return { bases: bases.length, models: models.length, aliases, bytes, problems };
}

function baseProblem({ manifest }: StoredModel, bases: readonly StoredBase[]): string | undefined {
  const { name, version, sha256 } = manifest.base;
  const base = bases.find((each) => each.manifest.name === name && each.manifest.version === version);
  if (!base) return `Its base ${name}@${version} does not exist or cannot be read.`;
  if (base.manifest.weights.sha256 === sha256) return undefined;
  return `Its base ${name}@${version} is not the one that it was trained on.`;
}
