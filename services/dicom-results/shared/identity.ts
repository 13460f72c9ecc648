// Who computed a result, as objects of every kind say it.

import type { ModelIdentity, ResultContext } from '../types';
import { codeItem, type Elements } from '../write/elements';
import { ascii, LONG_STRING } from './ascii';

export const MANUFACTURER = 'Automed';
/** CID 7162. */
export const FAMILY = { value: '123110', scheme: 'DCM', meaning: 'Artificial Intelligence' };
/** In every description: results are not for clinical use. */
export const RESEARCH = 'research use only';

/** What tells one identity from another: all that may change an answer, and how it is coded. */
export function identityText(model: ModelIdentity): string {
  const {
    name,
    version,
    weightsSha256,
    baseSha256 = '',
    precision,
    build,
    preprocessing,
    threshold = '',
    terms = {},
  } = model;
  return JSON.stringify([
    ...[name, version, weightsSha256, baseSha256, precision, build, preprocessing, threshold],
    Object.entries(terms).toSorted(([a], [b]) => (a < b ? -1 : 1)),
  ]);
}

/** By what a result is computed again, as `name=value`; each is one Algorithm Parameter of a report. */
export function parametersOf({ model, inputs }: Pick<ResultContext, 'model' | 'inputs'>): string[] {
  const { weightsSha256, baseSha256, precision, build, preprocessing, threshold } = model;
  return [
    `weights_sha256=${weightsSha256}`,
    ...(baseSha256 === undefined ? [] : [`base_sha256=${baseSha256}`]),
    `precision=${precision}`,
    `build=${build}`,
    `preprocessing=${preprocessing}`,
    ...(threshold === undefined ? [] : [`threshold=${threshold}`]),
    ...(inputs === undefined
      ? []
      : [`inputs_sha256=${inputs.picturesSha256}`, `pixels_sha256=${inputs.pixelsSha256}`, `window=${inputs.window}`]),
  ].map((parameter) => ascii(parameter, 4096));
}

/** Item of Segmentation Algorithm Identification Sequence (PS3.3 table 10-19). */
export function algorithmItem(context: Pick<ResultContext, 'model' | 'inputs'>): Elements {
  const { model } = context;
  return {
    '0066002f': ['SQ', [codeItem(FAMILY)]],
    '00660036': ['LO', ascii(model.name, LONG_STRING)],
    '00660031': ['LO', String(model.version)],
    '00660032': ['LT', parametersOf(context).join('\n')],
    '00240202': ['LO', MANUFACTURER],
  };
}

/** Enhanced General Equipment: the model is the device, its weights are the serial number. */
export function equipment(model: ModelIdentity): Elements {
  return {
    '00080070': ['LO', MANUFACTURER],
    '00081090': ['LO', ascii(model.name, LONG_STRING)],
    '00181000': ['LO', model.weightsSha256],
    '00181020': ['LO', ascii(`${model.version} (${model.build})`, LONG_STRING)],
  };
}
