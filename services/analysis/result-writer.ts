import { captureObjects, ResultPool } from '../dicom-results';
import type { ResultWriter } from './ports';

/** The one of this process. */
export const resultPool = new ResultPool();

/** Objects as services/dicom-results makes them. What a segmentation shows is proven from its bytes before anybody gets it. */
export const dicomResults: ResultWriter = {
  segmentation: (context, masks) => resultPool.segmentation(context, masks),
  labelmap: (context, masks) => resultPool.labelmap(context, masks),
  captures: captureObjects,
  presentation: (context, masks) => resultPool.presentation(context, masks),
  report: (context, found, segmentation) => resultPool.report(context, { ...found, segmentation }),
};
