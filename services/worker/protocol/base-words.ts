// The choices of the base service, each as a word and as the API names it.

export const FITS = {
  'pad-or-stretch': 'FIT_PAD_OR_STRETCH',
  'longest-side': 'FIT_LONGEST_SIDE',
  stretch: 'FIT_STRETCH',
} as const;

export const CHANNELS = { rgb: 'CHANNEL_ORDER_RGB', bgr: 'CHANNEL_ORDER_BGR' } as const;

export const INTERPOLATIONS = { bilinear: 'INTERPOLATION_BILINEAR', nearest: 'INTERPOLATION_NEAREST' } as const;

export const BACKBONE_KINDS = {
  'mobilenet-v3-large': 'BACKBONE_KIND_MOBILENET_V3_LARGE',
  'hardnet-85': 'BACKBONE_KIND_HARDNET_85',
} as const;

export const EVALUATED_PARTS = {
  train: 'EVALUATED_PART_TRAIN',
  validation: 'EVALUATED_PART_VALIDATION',
  test: 'EVALUATED_PART_TEST',
} as const;
