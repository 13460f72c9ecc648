import { parseRuns } from '../common/coco-rle';
import { AutomedError, automedError } from '../common/errors';
import type { NewDecision, Prediction, ReviewMask } from './review';

const refused = (field: string, message: string): Error => automedError('INVALID_ARGUMENT', message, { field });

/** Whether a mask is one of its size. @throws InvalidInputError that names the field */
export function checkMask({ cocoRle, widthPx, heightPx }: ReviewMask, field: string): void {
  if (!(widthPx >= 1 && heightPx >= 1 && widthPx * heightPx <= 2 ** 31)) {
    throw refused(field, `A mask of ${widthPx} x ${heightPx} pixels is none.`);
  }
  try {
    parseRuns(cocoRle, widthPx * heightPx);
  } catch (error) {
    if (error instanceof AutomedError) throw refused(`${field}.coco_rle`, error.message);
    throw error;
  }
}

/** Whether a decision holds what its state needs, and nothing else. @throws InvalidInputError that names the field */
export function checkAmendment(prediction: Prediction, { state, masks, className }: NewDecision): void {
  const amends = state === 'AMENDED';
  if (!(amends && prediction.kind === 'segmentation') && masks.length > 0) {
    throw refused('masks', 'Masks are given to amend a segmentation, and to nothing else.');
  }
  if (!(amends && prediction.kind === 'classification') && className !== '') {
    throw refused('class_name', 'A class is given to amend a classification, and to nothing else.');
  }
  if (!amends) return;
  if (prediction.kind === 'classification') {
    const names = prediction.classes.map(({ name }) => name);
    if (className === prediction.predicted || !names.includes(className)) {
      throw refused('class_name', `The class must be another one of ${names.join(', ')}.`);
    }
    return;
  }
  if (masks.length !== prediction.masks.length) {
    throw refused('masks', `There are ${masks.length} masks; the prediction has ${prediction.masks.length}.`);
  }
  prediction.masks.forEach((predicted, at) => {
    const mask = masks[at] as ReviewMask;
    const field = `masks[${at}]`;
    if (mask.widthPx !== predicted.widthPx || mask.heightPx !== predicted.heightPx) {
      throw refused(field, `The mask must be ${predicted.widthPx} x ${predicted.heightPx}, as the prediction is.`);
    }
    if (mask.structure !== predicted.structure) {
      throw refused(`${field}.structure`, `The mask must show ${predicted.structure}, as the prediction does.`);
    }
    checkMask(mask, field);
  });
}
