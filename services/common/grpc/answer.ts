import type { BaseInfo } from '../../../proto/gen/automed/common/v1/BaseInfo';
import type { ModelInfo } from '../../../proto/gen/automed/common/v1/ModelInfo';
import type { Precision } from '../../../proto/gen/automed/common/v1/Precision';
import type { Timings } from '../../../proto/gen/automed/common/v1/Timings';
import type { BaseIdentity, ModelIdentity, RunTimings } from '../inference';

const PRECISIONS: Readonly<Record<string, Precision>> = {
  float32: 'PRECISION_FLOAT32',
  bfloat16: 'PRECISION_BFLOAT16',
  float16: 'PRECISION_FLOAT16',
};

function precisionName(precision: string): Precision {
  const name = PRECISIONS[precision];
  if (name === undefined) throw new Error(`the API has no name for the precision ${precision}`);
  return name;
}

/** The API's spelling of which weights answered. */
export function modelInfo(identity: ModelIdentity): ModelInfo {
  return { ...identity, precision: precisionName(identity.precision) };
}

/** The API's spelling of which base answered. */
export function baseInfo(identity: BaseIdentity): BaseInfo {
  return { ...identity, precision: precisionName(identity.precision) };
}

/** The API's spelling of where the time went. */
export function timings(run: RunTimings, around: { decodeMs: number; encodeMs: number; totalMs: number }): Timings {
  return { ...run, ...around };
}
