// The paper's two heads, written out: what the addon must call `automed` and `medcls`.

import type { BaseArchitecture, HeadArchitecture } from '../../services/store';

/** MobileNet of full width, except beside an encoder narrower than ViT-B, where it would dwarf the rest. */
function defaultMobilenetWidth(base: BaseArchitecture): number {
  return base.embed_dim < 768 ? 0.35 : 1.0;
}

export function segmentationHead(base: BaseArchitecture): HeadArchitecture {
  return { kind: 'sam-automed', mobilenet: { width: defaultMobilenetWidth(base), se: 'improved' } };
}

export function classificationHead(base: BaseArchitecture, classes: number): HeadArchitecture {
  return {
    kind: 'sam-medcls',
    mobilenet: { width: defaultMobilenetWidth(base), se: 'improved' },
    attention: true,
    classes,
  };
}
