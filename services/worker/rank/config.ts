import { automedError } from '../../common/errors';
import { parseRankEnvironment, type RankEnvironment } from '../launch/rank-environment';

/** What a process that this one starts inherits. */
export function environment(): Record<string, string | undefined> {
  return { ...process.env };
}

/** The place of this process in its process group. */
export function rankEnvironment(): RankEnvironment {
  return parseRankEnvironment(process.env);
}

/**
 * The place of this process in a process group of `ranks`; undefined where the run is one process, whatever the environment
 * says.
 */
export function processGroupOf(ranks: number): RankEnvironment | undefined {
  if (ranks === 1) return undefined;
  const place = rankEnvironment();
  if (place.worldSize === ranks) return place;
  throw automedError(
    'INVALID_ARGUMENT',
    `The run is for ${ranks} ranks, and the environment says that there are ${place.worldSize}.`,
    { field: 'ranks' },
  );
}
