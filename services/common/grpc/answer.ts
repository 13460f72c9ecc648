import type { BaseInfo } from '../../../proto/gen/automed/common/v1/BaseInfo';
import type { ModelInfo } from '../../../proto/gen/automed/common/v1/ModelInfo';
import type { Timings } from '../../../proto/gen/automed/common/v1/Timings';
import type { BaseIdentity, ModelIdentity, RunTimings } from '../inference';

/** The API's spelling of which weights answered. */
export function modelInfo(identity: ModelIdentity): ModelInfo {
  return { ...identity };
}

/** The API's spelling of which base answered. */
export function baseInfo(identity: BaseIdentity): BaseInfo {
  return { ...identity };
}

/** The API's spelling of where the time went. */
export function timings(run: RunTimings, around: { decodeMs: number; encodeMs: number; totalMs: number }): Timings {
  return { ...run, ...around };
}
