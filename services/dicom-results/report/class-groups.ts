// Measurement groups of what was told apart (TID 1501): the most probable class is the finding, and every class has its probability.

import { checkProbability, imageOf } from '../content/checks';
import { termsOf } from '../content/terms';
import { ResultError } from '../errors';
import { ascii, LONG_STRING } from '../shared/ascii';
import { frameItem } from '../shared/references';
import type { Classification, ResultContext } from '../types';
import type { Elements } from '../write/elements';
import { uidOf } from '../write/uids';
import * as concepts from './concepts';
import { codedItem, container, imageItem, numberItem, textItem, uidItem } from './items';
import { algorithm } from './observer';

/** @throws ResultError (CONTENT) for names twice, probabilities that are none, images that the series does not have */
function checkClassification({ series }: ResultContext, { of, classes }: Classification): void {
  imageOf(series, of);
  if (classes.length === 0) throw new ResultError('CONTENT', 'A classification needs a class.');
  if (new Set(classes.map(({ name }) => name)).size < classes.length) {
    throw new ResultError('CONTENT', 'Two classes have the same name.');
  }
  for (const { name, probability } of classes) checkProbability(probability, name);
}

/** @throws ResultError (CONTENT, TERMS) */
export function classGroup(context: ResultContext, classification: Classification): Elements {
  checkClassification(context, classification);
  const { model, series } = context;
  const { of, classes } = classification;
  const terms = termsOf(
    model,
    classes.map(({ name }) => name),
  );
  const probabilities = classes.map(({ probability }) => probability);
  const best = terms[probabilities.indexOf(Math.max(...probabilities))];
  if (!best) throw new ResultError('CONTENT', 'A classification needs a class.');
  const image = imageOf(series, of);
  return container(
    concepts.GROUP,
    [
      textItem('HAS OBS CONTEXT', concepts.TRACKING_ID, ascii(`${model.name} class`, LONG_STRING)),
      uidItem(
        'HAS OBS CONTEXT',
        concepts.TRACKING_UID,
        uidOf('tracking', of.sopInstanceUid, String(of.frame), model.name, String(model.version)),
      ),
      codedItem('CONTAINS', concepts.FINDING, best.type),
      ...(best.anatomy ? [codedItem('HAS CONCEPT MOD', concepts.FINDING_SITE, best.anatomy)] : []),
      ...algorithm(context),
      imageItem(concepts.SOURCE_OF_MEASUREMENT, frameItem(image, of)),
      ...classes.map(({ probability }, at) =>
        numberItem(
          concepts.CERTAINTY,
          probability,
          concepts.SHARE,
          [terms[at]].flatMap((term) => (term ? [codedItem('HAS CONCEPT MOD', concepts.FINDING, term.type)] : [])),
        ),
      ),
    ],
    '1501',
  );
}
