// Entry of a thread that writes objects: hashing, packing and measuring a study's masks takes seconds, and so does proving where they lie.

import { ResultError, type ResultDefect } from '../errors';
import { proveGeometry } from '../geometry/prove';
import { presentationObject } from '../presentation/presentation';
import { reportObject, type Findings } from '../report/report';
import { segmentationObject } from '../segmentation/binary';
import { labelmapObject } from '../segmentation/labelmap';
import type { DrawnMasks, ResultContext, ResultObject } from '../types';

export interface DrawTask {
  context: ResultContext;
  masks: DrawnMasks;
}

export interface ReportTask {
  context: ResultContext;
  findings: Findings;
}

/** Errors lose their class between threads. */
export type Written = { object: ResultObject | undefined } | { defect: ResultDefect; message: string };

function written(write: () => ResultObject | undefined): Written {
  try {
    return { object: write() };
  } catch (error) {
    if (!(error instanceof ResultError)) throw error;
    return { defect: error.defect, message: error.message };
  }
}

function proven(write: typeof labelmapObject, { context, masks }: DrawTask): ResultObject | undefined {
  const object = write(context, masks);
  if (object) proveGeometry(object.bytes, context, masks);
  return object;
}

export const segmentation = (task: DrawTask): Written => written(() => proven(segmentationObject, task));
export const labelmap = (task: DrawTask): Written => written(() => proven(labelmapObject, task));
export const presentation = ({ context, masks }: DrawTask): Written =>
  written(() => presentationObject(context, masks));
export const report = ({ context, findings }: ReportTask): Written => written(() => reportObject(context, findings));
