// The segmentation role: its handlers over whatever provides models. It has no main.ts of its own. One native program,
// services/inference, hosts it together with or without the classification role, so that roles on one machine share
// bases and encoder passes; that program's main.ts is the one place outside this folder that may import it.

import type { ServiceRegistration } from '../common/grpc/handlers';
import { serviceDefinition } from '../common/grpc/proto';
import { segmentationHandlers, type SegmentationDeps } from './handlers/segmentation-service';

export type { SegmentationModel, SegmentationModels } from './domain/ports';
export type { SegmentationDeps };

const NAME = 'automed.segmentation.v1.SegmentationService';

export function segmentationRole(deps: SegmentationDeps): ServiceRegistration {
  return { name: NAME, definition: serviceDefinition(NAME), implementation: segmentationHandlers(deps) };
}
