// Which frame of a DICOM file an answer is about, for people and programs.

import type { DicomFrame__Output } from '../../proto/gen/automed/common/v1/DicomFrame';
import type { ImagePlane__Output } from '../../proto/gen/automed/common/v1/ImagePlane';

/** `patient`, `detector`, ...; null without a spacing. */
function originWord({ pixelSpacing, pixelSpacingOrigin }: DicomFrame__Output): string | null {
  return pixelSpacing ? pixelSpacingOrigin.replace('PIXEL_SPACING_ORIGIN_', '').toLowerCase() : null;
}

function planeJson(plane: ImagePlane__Output): object {
  return {
    frame_of_reference_uid: plane.frameOfReferenceUid,
    position_mm: plane.positionMm,
    row_direction: plane.rowDirection,
    column_direction: plane.columnDirection,
  };
}

/** `dicom_frame`, spelled as the protos spell it; nothing for an image that is no DICOM file. */
export function dicomFrameJson(frame: DicomFrame__Output | null): object {
  if (!frame) return {};
  const { pixelSpacing, plane } = frame;
  return {
    dicom_frame: {
      frame_number: frame.frameNumber,
      frame_count: frame.frameCount,
      sop_class_uid: frame.sopClassUid,
      sop_instance_uid: frame.sopInstanceUid,
      series_instance_uid: frame.seriesInstanceUid,
      study_instance_uid: frame.studyInstanceUid,
      pixel_spacing: pixelSpacing && { column_mm: pixelSpacing.columnMm, row_mm: pixelSpacing.rowMm },
      pixel_spacing_origin: originWord(frame),
      plane: plane && planeJson(plane),
      patient_orientation: frame.patientOrientation,
    },
  };
}

/** `frame 3 of 30`, and where a spacing was measured when areas may not be those of the patient; empty where there is nothing to say. */
export function dicomFrameText(frame: DicomFrame__Output | null): string {
  if (!frame) return '';
  const number = frame.frameCount > 1 ? [`frame ${frame.frameNumber} of ${frame.frameCount}`] : [];
  const origin = originWord(frame);
  const caveat = origin === 'detector' ? ['mm2 on the detector'] : [];
  return [...number, ...caveat].join(', ');
}
