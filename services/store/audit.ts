// Reads every byte of every version and follows every reference: what an operator runs after a crash, a restore or a copy.

import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { databaseFiles, databaseProblems } from './databases';
import { temporaryName } from './durable';
import { basesWithoutModel } from './garbage';
import { ModelStore, type StoredBackbone, type StoredBase, type StoredModel } from './model-store';
import type { ObjectSettings } from './objects/remote-store';
import { localFile, sha256OfFile } from './versions';

export interface AuditProblem {
  /** `model polyp@3`, `base tiny@1`, `alias polyp@production`, `database training.db`, or `store` for a version that cannot be read. */
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
  /** Bases that training made for models which are not there, `polyp@1`: nothing is damaged, and gc deletes them after a day. */
  unused: string[];
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/**
 * Checks each version's weights and other files (reports, golden images) against their sha256, each model's base, each alias, and the
 * databases. Objects are read from their store, not from copies: those of the programs at work stay as they are.
 * @throws NotFoundError when there is no store
 */
export async function auditStore(root: string, objects?: ObjectSettings): Promise<Audit> {
  if (!objects) return audited(root);
  const cacheFolder = join(root, 'outgoing', temporaryName());
  try {
    return await audited(root, { ...objects, cacheFolder, inUseMs: 0 });
  } finally {
    await rm(cacheFolder, { recursive: true, force: true });
  }
}

/** Copies of one version at a time. */
async function forgetCopies(folder: string): Promise<void> {
  const copies = (await readdir(folder)).filter((name) => /^[0-9a-f]{64}$/.test(name));
  await Promise.all(copies.map((name) => rm(join(folder, name), { force: true })));
}

async function audited(root: string, objects?: ObjectSettings): Promise<Audit> {
  const problems: AuditProblem[] = [];
  const store = await ModelStore.existing(root, {
    objects,
    onProblem: (error) => problems.push({ subject: 'store', problem: messageOf(error) }),
  });
  const [bases, models] = [await store.listBases(), await store.listModels()];
  const backbones = await store.listBackbones();
  for (const [kind, versions] of [
    ['base', bases],
    ['backbone', backbones],
    ['model', models],
  ] as const) {
    for (const stored of versions) {
      const { name, version } = stored.manifest;
      const report = (problem: string) => problems.push({ subject: `${kind} ${name}@${version}`, problem });
      await store.verify(stored).catch((error: unknown) => report(messageOf(error)));
      (await fileProblems(stored)).forEach(report);
      if (objects?.cacheFolder !== undefined) await forgetCopies(objects.cacheFolder);
    }
  }
  for (const model of models) {
    const subject = `model ${model.manifest.name}@${model.manifest.version}`;
    const problem = baseProblem(model, bases);
    if (problem) problems.push({ subject, problem });
  }
  let aliases = 0;
  for (const name of await store.modelNames()) {
    for (const [alias, version] of Object.entries(await store.aliases(name))) {
      aliases += 1;
      if (models.some(({ manifest }) => manifest.name === name && manifest.version === version)) continue;
      problems.push({
        subject: `alias ${name}@${alias}`,
        problem: `Version ${version} does not exist or cannot be read.`,
      });
    }
  }
  for (const file of await databaseFiles(root)) {
    for (const problem of databaseProblems(join(root, file))) problems.push({ subject: `database ${file}`, problem });
  }
  const bytes = [...bases, ...models].reduce((sum, { manifest }) => sum + manifest.weights.bytes, 0);
  const unused = basesWithoutModel(bases, models).map(({ manifest }) => `${manifest.name}@${manifest.version}`);
  return { bases: bases.length, models: models.length, aliases, bytes, problems, unused };
}

async function fileProblems(stored: StoredModel | StoredBase | StoredBackbone): Promise<string[]> {
  const problems: string[] = [];
  for (const [file, expected] of Object.entries(stored.manifest.files ?? {})) {
    const found = await localFile(stored, file)
      .then(sha256OfFile)
      .catch(() => undefined);
    if (found === undefined) problems.push(`Its ${file} cannot be read.`);
    else if (found !== expected) problems.push(`Its ${file} has changed since it was registered.`);
  }
  return problems;
}

function baseProblem({ manifest }: StoredModel, bases: readonly StoredBase[]): string | undefined {
  const { name, version, sha256 } = manifest.base;
  const base = bases.find((each) => each.manifest.name === name && each.manifest.version === version);
  if (!base) return `Its base ${name}@${version} does not exist or cannot be read.`;
  if (base.manifest.weights.sha256 === sha256) return undefined;
  return `Its base ${name}@${version} is not the one that it was trained on.`;
}
