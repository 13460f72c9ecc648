// Who reports, and by which algorithm (TID 1002, 1004 and 4019).

import { ascii } from '../shared/ascii';
import { FAMILY, MANUFACTURER, parametersOf } from '../shared/identity';
import type { ModelIdentity, ResultContext } from '../types';
import type { Elements } from '../write/elements';
import { uidOf } from '../write/uids';
import * as concepts from './concepts';
import { codedItem, textItem, uidItem } from './items';

/** Longest text that is kept of a name. */
const NAME = 256;

/** UID of a model's version and weights, wherever it runs. */
export const deviceUid = ({ name, version, weightsSha256 }: ModelIdentity): string =>
  uidOf('device', name, String(version), weightsSha256);

export function observer(model: ModelIdentity): Elements[] {
  return [
    codedItem('HAS OBS CONTEXT', concepts.OBSERVER_TYPE, concepts.DEVICE),
    uidItem('HAS OBS CONTEXT', concepts.DEVICE_UID, deviceUid(model)),
    textItem('HAS OBS CONTEXT', concepts.DEVICE_NAME, ascii(`${model.name} v${model.version}`, NAME)),
    textItem('HAS OBS CONTEXT', concepts.DEVICE_MANUFACTURER, MANUFACTURER),
    textItem('HAS OBS CONTEXT', concepts.DEVICE_MODEL, ascii(model.name, NAME)),
    textItem('HAS OBS CONTEXT', concepts.DEVICE_SERIAL, model.weightsSha256),
  ];
}

/** Algorithm Identification: each parameter is one item, `name=value`, so that the result can be computed again. */
export function algorithm(context: ResultContext): Elements[] {
  const { model } = context;
  const parameters = parametersOf(context);
  return [
    textItem('HAS CONCEPT MOD', concepts.ALGORITHM_NAME, ascii(model.name, NAME)),
    textItem('HAS CONCEPT MOD', concepts.ALGORITHM_VERSION, String(model.version)),
    textItem('HAS CONCEPT MOD', concepts.ALGORITHM_MANUFACTURER, MANUFACTURER),
    ...parameters.map((parameter) => textItem('HAS CONCEPT MOD', concepts.ALGORITHM_PARAMETER, parameter)),
    codedItem('HAS CONCEPT MOD', concepts.ALGORITHM_FAMILY, FAMILY),
  ];
}
