// Messages as the JSON of protobuf has them: what has its default is absent, 64-bit numbers are text. Comments: proto/.

export interface Image {
  encoded?: string;
  frameNumber?: number;
  pixelSpacing?: { columnMm: number; rowMm: number };
}

export type Task = 'TASK_SEGMENTATION' | 'TASK_CLASSIFICATION';

export interface Model {
  name: string;
  version: number;
  task: Task;
  baseName?: string;
  baseVersion?: number;
  structures?: string[];
  classes?: string[];
  threshold?: number;
  aliases?: string[];
  metrics?: Record<string, number>;
  createTime?: string;
  loaded?: boolean;
  weightsBytes?: string;
  lineageJson?: string;
}

export interface Base {
  name: string;
  version: number;
  loaded?: boolean;
  randomWeights?: boolean;
  origin?: string;
  weightsBytes?: string;
  createTime?: string;
}

export interface BoundingBox {
  xPx?: number;
  yPx?: number;
  widthPx: number;
  heightPx: number;
}

export interface Mask {
  cocoRle?: string;
  widthPx: number;
  heightPx: number;
  areaPx?: string;
  areaMm2?: number;
  /** Base64 of a grey PNG: 255 times the probability of each pixel. */
  probabilityPng?: string;
  boundingBox?: BoundingBox;
  meanForegroundProbability?: number;
  structure?: string;
}

export interface ModelInfo {
  name: string;
  version: number;
  baseName?: string;
  baseVersion?: number;
  precision?: string;
}

export interface Timings {
  decodeMs?: number;
  queueMs?: number;
  preprocessMs?: number;
  inferenceMs?: number;
  postprocessMs?: number;
  encodeMs?: number;
  totalMs?: number;
  embeddingCached?: boolean;
}

export interface SegmentResponse {
  masks?: Mask[];
  threshold?: number;
  model: ModelInfo;
  timings?: Timings;
}

export interface ClassProbability {
  className: string;
  probability?: number;
}

export interface ClassifyResponse {
  predictedClass: string;
  probabilities?: ClassProbability[];
  model: ModelInfo;
  timings?: Timings;
  saliency?: Saliency;
}

/** How much the log-odds of a class fall when a place is left out. */
export interface Saliency {
  className: string;
  map: Tensor;
  placement: InputPlacement;
}

export interface Finding {
  segmentation?: SegmentResponse;
  classification?: ClassifyResponse;
}

export interface EncodeImageResponse {
  embeddingId?: string;
  widthPx: number;
  heightPx: number;
  timings?: Timings;
  embedding?: ImageEmbedding;
}

export interface ImageEmbedding {
  features: Tensor;
  placement: InputPlacement;
}

/** Where an image lies on the square input of a base. */
export interface InputPlacement {
  inputSizePx: number;
  leftPx?: number;
  topPx?: number;
  innerWidthPx: number;
  innerHeightPx: number;
}

export interface GetMaskDecoderResponse {
  weights: { name: string; tensor: Tensor }[];
  inputSizePx: number;
  headCount: number;
  layerCount: number;
  multimaskOutputCount: number;
  bestOfMultimask?: boolean;
}

export interface PointPrompt {
  xPx: number;
  yPx: number;
  label: 'POINT_LABEL_FOREGROUND' | 'POINT_LABEL_BACKGROUND';
}

export interface BoxPrompt {
  x0Px: number;
  y0Px: number;
  x1Px: number;
  y1Px: number;
}

export interface Tensor {
  data: string;
  shape: number[];
  type: string;
}

export interface PredictedMask {
  mask: Mask;
  predictedIou?: number;
  objectIndex?: number;
  logits?: Tensor;
}

export interface PredictMasksResponse {
  masks?: PredictedMask[];
  embeddingId?: string;
  widthPx: number;
  heightPx: number;
  timings?: Timings;
}

/** What PredictMasks is asked for. */
export interface Prompts {
  points: PointPrompt[];
  boxes: BoxPrompt[];
  maskLogits?: Tensor;
}
