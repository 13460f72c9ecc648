// Reviews as messages of the API.

import type { Finding, Finding__Output } from '../../proto/gen/automed/analysis/v1/Finding';
import type { Image__Output } from '../../proto/gen/automed/common/v1/Image';
import type { Mask, Mask__Output } from '../../proto/gen/automed/common/v1/Mask';
import type { Review as ReviewMessage } from '../../proto/gen/automed/reviews/v1/Review';
import type { ReviewDecision } from '../../proto/gen/automed/reviews/v1/ReviewDecision';
import type { ReviewState__Output as StateMessage } from '../../proto/gen/automed/reviews/v1/ReviewState';
import type { VersionAgreement as AgreementMessage } from '../../proto/gen/automed/reviews/v1/VersionAgreement';
import { areaOf, parseRuns } from '../common/coco-rle';
import { automedError } from '../common/errors';
import type { VersionAgreement } from './agreement';
import { checkMask } from './amendment';
import { timestamp } from '../common/grpc/timestamp';
import { modelOf, type Decision, type Prediction, type Review, type ReviewMask, type ReviewState } from './review';
import type { NewReview } from './reviews';

const PREFIX = 'REVIEW_STATE_';

const refused = (field: string, message: string): Error => automedError('INVALID_ARGUMENT', message, { field });

export const stateMessage = (state: ReviewState): StateMessage => `${PREFIX}${state}`;

/** Whether a number is within `[0, 1]`; NaN is not. */
const isShare = (value: number): boolean => value >= 0 && value <= 1;

/** Undefined for UNSPECIFIED. */
export function stateOf(state: StateMessage): ReviewState | undefined {
  return state === 'REVIEW_STATE_UNSPECIFIED' ? undefined : (state.slice(PREFIX.length) as ReviewState);
}

/** @throws InvalidInputError (field `state`) unless it decides something */
export function decidedState(state: StateMessage): Decision['state'] {
  const decided = stateOf(state);
  if (decided !== undefined && decided !== 'PENDING') return decided;
  throw refused('state', 'A decision is ACCEPTED, REJECTED or AMENDED.');
}

export function toMask({ cocoRle = '', widthPx, heightPx, structure }: Mask__Output): ReviewMask {
  return { cocoRle, widthPx, heightPx, structure };
}

/** @throws InvalidInputError that names the field */
export function toPrediction(finding: Finding__Output | null): Prediction {
  const { segmentation, classification } = finding ?? {};
  const { model } = segmentation ?? classification ?? {};
  if (!model || model.name === '' || model.version < 1) {
    throw refused('finding', 'The finding must be an answer of a model, with its name and version.');
  }
  const { name, version, baseName, baseVersion } = model;
  const said = { name, version, base: baseName === '' ? '' : `${baseName}@${baseVersion}` };
  if (!segmentation) {
    const { predictedClass: predicted = '', probabilities = [] } = classification ?? {};
    const classes = probabilities.map((each) => ({ name: each.className, probability: each.probability }));
    if (!classes.every(({ probability }) => isShare(probability))) {
      throw refused('finding.classification.probabilities', 'Probabilities are within [0, 1].');
    }
    if (!classes.some((each) => each.name === predicted)) {
      throw refused('finding.classification.predicted_class', 'The predicted class has no probability.');
    }
    return { kind: 'classification', model: said, predicted, classes };
  }
  const { threshold } = segmentation;
  if (!isShare(threshold)) {
    throw refused('finding.segmentation.threshold', `The threshold ${threshold} is outside [0, 1].`);
  }
  const masks = segmentation.masks.map((mask, at) => {
    const checked = toMask(mask);
    const field = `finding.segmentation.masks[${at}]`;
    checkMask(checked, field);
    const { meanForegroundProbability: p } = mask;
    if (p !== undefined && !isShare(p)) {
      throw refused(`${field}.mean_foreground_probability`, `The probability ${p} is outside [0, 1].`);
    }
    return p === undefined ? checked : { ...checked, meanProbability: p };
  });
  if (masks.length === 0) throw refused('finding.segmentation.masks', 'The answer has no mask.');
  return { kind: 'segmentation', model: said, threshold, masks };
}

/** @throws InvalidInputError (field `image`) */
export function toNewImage(image: Image__Output | null): NewReview['image'] {
  const encoded = image?.encoded;
  if (encoded === undefined || encoded.length === 0) {
    throw refused('image.encoded', 'A review needs the file of the image, as the model was given it.');
  }
  const { frameNumber, pixelSpacing } = image ?? {};
  if (frameNumber !== undefined && frameNumber < 1) {
    throw refused('image.frame_number', `Frames are counted from 1; ${frameNumber} is none.`);
  }
  return {
    encoded,
    ...(frameNumber === undefined ? {} : { frameNumber }),
    ...(pixelSpacing ? { pixelSpacing: { columnMm: pixelSpacing.columnMm, rowMm: pixelSpacing.rowMm } } : {}),
  };
}

function maskMessage({ cocoRle, widthPx, heightPx, structure, meanProbability }: ReviewMask): Mask {
  return {
    cocoRle,
    widthPx,
    heightPx,
    structure,
    areaPx: String(areaOf(parseRuns(cocoRle, widthPx * heightPx))),
    ...(meanProbability === undefined ? {} : { meanForegroundProbability: meanProbability }),
  };
}

function findingMessage(prediction: Prediction, masks: boolean): Finding {
  const [baseName = '', baseVersion = '0'] = prediction.model.base.split('@');
  const { name, version } = prediction.model;
  const model = { name, version, baseName, baseVersion: Number(baseVersion) };
  if (prediction.kind === 'segmentation') {
    const { threshold } = prediction;
    return { segmentation: { model, threshold, masks: masks ? prediction.masks.map(maskMessage) : [] } };
  }
  const probabilities = prediction.classes.map((each) => ({ className: each.name, probability: each.probability }));
  return { classification: { model, predictedClass: prediction.predicted, probabilities } };
}

export function decisionMessage(decision: Decision, masks = false): ReviewDecision {
  const { state, reason, decidedBy, time, className, agreement } = decision;
  return {
    state: stateMessage(state),
    reason,
    decidedBy,
    decideTime: timestamp(time),
    masks: masks ? decision.masks.map(maskMessage) : [],
    className,
    agreement,
  };
}

/** @param masks false for lists, which leave them out */
export function reviewMessage(review: Review, masks = false): ReviewMessage {
  const { id, queue, name, group, origin, prediction, uncertainty, state, decisions, createTime } = review;
  const latest = decisions.at(-1);
  return {
    ...{ id, queue, name, group, origin, uncertainty },
    model: modelOf(review),
    finding: findingMessage(prediction, masks),
    state: stateMessage(state),
    decision: latest ? decisionMessage(latest, masks) : null,
    decisionCount: decisions.length,
    createTime: timestamp(createTime),
  };
}

export function agreementMessage({ model, agreement, count, weeks, drift }: VersionAgreement): AgreementMessage {
  return { model, agreement, count, weeks, drift: drift ?? null };
}
