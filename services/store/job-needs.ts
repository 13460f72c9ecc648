// What the jobs of the queue that are not over need of a store: the versions that their specifications name, those that they
// have pinned when they began, and those that they have registered themselves.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { JobFacts, TrainingFacts } from './databases';
import type { ModelStore, StoredBase, StoredModel } from './model-store';
import { isAway } from './versions';

export interface JobNeeds {
  /** Whether a job that waits, runs or can be resumed needs this version. */
  needs: (version: StoredModel | StoredBase) => boolean;
}

interface References {
  base?: unknown;
  startFrom?: unknown;
  model?: unknown;
}

function parsed(text: string): References {
  try {
    return (JSON.parse(text) ?? {}) as References;
  } catch {
    return {};
  }
}

async function resolved(resolve: Promise<StoredModel | StoredBase>): Promise<string[]> {
  return resolve.then(
    ({ folder }) => [folder],
    (error: unknown) => {
      // Not known is not the same as not there.
      if (isAway(error)) throw error;
      return [];
    },
  );
}

/** Folders of what one specification names; a name without version is what it means now. */
async function namedBy(store: ModelStore, { base, startFrom, model }: References): Promise<string[]> {
  const folders: string[] = [];
  if (typeof base === 'string') folders.push(...(await resolved(store.resolveBase(base))));
  for (const reference of [startFrom, model]) {
    if (typeof reference === 'string') folders.push(...(await resolved(store.resolveModel(reference))));
  }
  return folders;
}

async function neededBy(store: ModelStore, { id, spec }: JobFacts): Promise<string[]> {
  const pins = await readFile(join(store.root, 'jobs', `job-${id}`, 'pinned.json'), 'utf8').catch(() => '{}');
  return [...(await namedBy(store, parsed(spec))), ...(await namedBy(store, parsed(pins)))];
}

export async function jobNeeds(store: ModelStore, facts: TrainingFacts | undefined): Promise<JobNeeds> {
  const open = facts?.unfinished ?? [];
  const folders = new Set((await Promise.all(open.map((job) => neededBy(store, job)))).flat());
  const ids = new Set(open.map(({ id }) => id));
  return {
    needs: ({ folder, manifest }) => folders.has(folder) || ids.has(manifest.training?.job ?? ''),
  };
}
