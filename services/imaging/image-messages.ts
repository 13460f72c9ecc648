// What is known of a request's image, as the API spells it.

import type { DicomFrame } from '../../proto/gen/automed/common/v1/DicomFrame';
import type { ImagePlane } from '../../proto/gen/automed/common/v1/ImagePlane';
import type { InputPlacement as PlacementMessage } from '../../proto/gen/automed/common/v1/InputPlacement';
import type { PixelSpacingOrigin } from '../../proto/gen/automed/common/v1/PixelSpacingOrigin';
import type { Vector } from '../../proto/gen/automed/common/v1/Vector';
import type { InputPlacement } from '../common/inference';
import type { Plane } from './dicom';
import type { ImageFacts, PixelSpacing } from './image-input';

const ORIGINS: Readonly<Record<PixelSpacing['origin'], PixelSpacingOrigin>> = {
  request: 'PIXEL_SPACING_ORIGIN_REQUEST',
  patient: 'PIXEL_SPACING_ORIGIN_PATIENT',
  calibrated: 'PIXEL_SPACING_ORIGIN_CALIBRATED',
  detector: 'PIXEL_SPACING_ORIGIN_DETECTOR',
  estimated: 'PIXEL_SPACING_ORIGIN_ESTIMATED',
  'ultrasound-region': 'PIXEL_SPACING_ORIGIN_ULTRASOUND_REGION',
};

/** The `dicom_frame` of an answer; nothing for an image that is none. */
export function dicomFrame({ source, spacing }: ImageFacts): { dicomFrame?: DicomFrame } {
  if (!source) return {};
  const { plane } = source;
  const message: DicomFrame = {
    frameNumber: source.frame + 1,
    frameCount: source.frames,
    sopClassUid: source.sopClassUid ?? '',
    sopInstanceUid: source.sopInstanceUid ?? '',
    seriesInstanceUid: source.seriesUid ?? '',
    studyInstanceUid: source.studyUid ?? '',
    patientOrientation: source.patientOrientation,
  };
  if (spacing) {
    message.pixelSpacing = { rowMm: spacing.rowMm, columnMm: spacing.columnMm };
    message.pixelSpacingOrigin = ORIGINS[spacing.origin];
  }
  if (plane) message.plane = planeMessage(plane, source.frameOfReference);
  return { dicomFrame: message };
}

export function toPlacement({ size, left, top, innerWidth, innerHeight }: InputPlacement): PlacementMessage {
  return { inputSizePx: size, leftPx: left, topPx: top, innerWidthPx: innerWidth, innerHeightPx: innerHeight };
}

function planeMessage({ position, across, down }: Plane, frameOfReference: string | undefined): ImagePlane {
  return {
    frameOfReferenceUid: frameOfReference ?? '',
    positionMm: vector(position),
    rowDirection: vector(across),
    columnDirection: vector(down),
  };
}

function vector([x, y, z]: Plane['position']): Vector {
  return { x, y, z };
}
