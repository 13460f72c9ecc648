import type { ModelInfo } from '../../../proto/gen/automed/common/v1/ModelInfo';
import type { Timings } from '../../../proto/gen/automed/common/v1/Timings';
import type { ModelIdentity, RunTimings } from '../inference';

/** The API's spelling of which weights answered. */
export function modelInfo(identity: ModelIdentity): ModelInfo {
  return { ...identity };
}

/** The API's spelling of where the time went. */
export function timings(run: RunTimings, around: { decodeMs: number; encodeMs: number; totalMs: number }): Timings {
  return { ...run, ...around };
}
