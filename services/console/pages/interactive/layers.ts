// What of a session lies on the image: the mask or its preview on top, finished objects below.

import type { Mask } from '../../../console-kit/api/types';
import { t } from '../../../console-kit/texts/en';
import { colourOf, layerOf, layerOfBits, type Bits, type Layer } from '../../../console-kit/viewer/layer';
import type { Session } from './session';

const known = new WeakMap<Mask | Bits, Layer>();

function layer(mask: Mask | Bits, id: string, name: string, colour: string): Layer {
  let made = known.get(mask);
  if (made?.colour !== colour || made.name !== name) known.set(mask, (made = drawn(mask, id, name, colour)));
  return made;
}

function drawn(mask: Mask | Bits, id: string, name: string, colour: string): Layer {
  return 'bits' in mask ? layerOfBits(mask.bits, { ...mask, id, name, colour }) : layerOf(mask, id, name, colour);
}

export function layersOf({ work, drawn, hover }: Session): Layer[] {
  const { objects } = work.value;
  const current = drawn.value?.mask ?? hover.value;
  const name = drawn.value ? t.interactive.current : t.interactive.preview;
  const own = colourOf(objects.length);
  return [
    ...objects.map((each, index) => layer(each.mask, `object ${index}`, each.name, colourOf(index))),
    ...(current ? [layer(current, 'current', name, own)] : []),
  ];
}
