import type { Promotion } from './promotion';

type Step = Pick<Promotion, 'kind' | 'fromVersion' | 'toVersion'>;

/**
 * The versions that an alias would go back through, the one in place last. A promotion adds its version, and the one that it
 * found where something else had moved the alias there; a rollback takes versions off until its own is the last.
 */
export function versionsInOrder(steps: readonly Step[]): number[] {
  const versions: number[] = [];
  for (const { kind, fromVersion, toVersion } of steps) {
    if (kind === 'rollback') {
      const kept = versions.lastIndexOf(toVersion);
      versions.length = kept + 1;
      if (kept < 0) versions.push(toVersion);
      continue;
    }
    if (fromVersion !== null && versions.at(-1) !== fromVersion) versions.push(fromVersion);
    versions.push(toVersion);
  }
  return versions;
}

/** Where a rollback leads from `current`; undefined when nothing is known of before. */
export function versionBefore(steps: readonly Step[], current: number): number | undefined {
  const versions = versionsInOrder(steps);
  return versions.at(-1) === current ? versions.at(-2) : versions.at(-1);
}
