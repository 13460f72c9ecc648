// The named base architectures: the `architecture` of base.json, which native code reads as it stands. Those of heads are
// named in native code (native/src/models/head.h).

import { excerpt } from '../common/bounded-text';
import { automedError } from '../common/errors';
import type { BaseArchitecture, Family, InputRule } from './manifests';

const TINY_DECODER = { depth: 2, heads: 4, mlp_dim: 256, iou_hidden: 64, multimask_outputs: 3 };
const SAM_DECODER = { depth: 2, heads: 8, mlp_dim: 2048, iou_hidden: 256, multimask_outputs: 3 };

interface NamedBase {
  family: Family;
  architecture: BaseArchitecture;
  /** How the images were prepared that the published weights know, where the architecture does not say it. */
  published?: InputRule;
}

/** SAM-Med2D (with adapters) stretches images as the paper says; SAM scales them by their longest side. */
function vit(
  imageSize: number,
  size: { embed_dim: number; depth: number; heads: number; global_blocks: number[] },
  adapter: boolean,
): BaseArchitecture {
  return {
    image_size: imageSize,
    patch_size: 16,
    ...size,
    window_size: 14,
    out_channels: 256,
    adapter,
    fit: adapter ? 'pad-or-stretch' : 'longest-side',
    decoder: SAM_DECODER,
  };
}

const VIT_B = { embed_dim: 768, depth: 12, heads: 12, global_blocks: [2, 5, 8, 11] };
const VIT_L = { embed_dim: 1024, depth: 24, heads: 16, global_blocks: [5, 11, 17, 23] };
const VIT_H = { embed_dim: 1280, depth: 32, heads: 16, global_blocks: [7, 15, 23, 31] };

const TINY: BaseArchitecture = {
  image_size: 256,
  patch_size: 16,
  embed_dim: 128,
  depth: 4,
  heads: 4,
  window_size: 14,
  global_blocks: [1, 3],
  out_channels: 64,
  adapter: true,
  fit: 'pad-or-stretch',
  decoder: TINY_DECODER,
};

export const BASE_ARCHITECTURES: Readonly<Record<string, NamedBase>> = {
  /** 3.8 M parameters with its heads: for demonstrations, tests and trials. */
  tiny: {
    family: 'sam-med2d',
    architecture: TINY,
  },
  /** The same without adapters, images fitted alike: SAM's part beside it in comparisons. */
  'tiny-sam': {
    family: 'sam',
    architecture: { ...TINY, adapter: false },
  },
  // Its loader and its notebook read with cv2.imread, which gives BGR; its predictor resizes every image by nearest neighbour.
  'sam-med2d-vit-b': {
    family: 'sam-med2d',
    architecture: vit(256, VIT_B, true),
    published: { fit: 'stretch', channels: 'bgr', resize: 'nearest' },
  },
  'sam-vit-b': { family: 'sam', architecture: vit(1024, VIT_B, false) },
  'sam-vit-l': { family: 'sam', architecture: vit(1024, VIT_L, false) },
  'sam-vit-h': { family: 'sam', architecture: vit(1024, VIT_H, false) },
};

export function baseArchitecture(name: string): NamedBase {
  const found = Object.hasOwn(BASE_ARCHITECTURES, name) ? BASE_ARCHITECTURES[name] : undefined;
  if (found) return found;
  const known = Object.keys(BASE_ARCHITECTURES).join(', ');
  throw automedError('INVALID_ARGUMENT', `There is no architecture "${excerpt(name)}"; known are ${known}.`, {
    field: 'arch',
  });
}
