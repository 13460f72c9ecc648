import { proveGeometry, reportObject, segmentationObject } from '../../dicom-results';
import type { ResultWriter } from '../domain/analysis/ports';

/** Objects as services/dicom-results makes them. What a segmentation shows is proven from its bytes before anybody gets it. */
export const dicomResults: ResultWriter = {
  segmentation: (context, masks) => {
    const object = segmentationObject(context, masks);
    if (object) proveGeometry(object.bytes, context, masks);
    return object;
  },
  report: (context, found, segmentation) => reportObject(context, { ...found, segmentation }),
};
