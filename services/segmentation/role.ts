// The segmentation role: its handlers over whatever provides models. It has no main.ts of its own. One native program,
// services/inference, hosts it together with or without the classification role, so that roles on one machine share
// bases and encoder passes; that program's main.ts is the one place outside this folder that may import it.

import type { ServiceRegistration } from '../common/grpc/handlers';
import { serviceDefinition } from '../common/grpc/proto';
import { interactiveHandlers, type InteractiveDeps } from './handlers/interactive-service';
import { segmentationHandlers, type SegmentationDeps } from './handlers/segmentation-service';

export type { InteractiveBase, InteractiveBases } from './domain/interactive-ports';
export type { SegmentationModel, SegmentationModels } from './domain/ports';
export type { InteractiveDeps, SegmentationDeps };

const AUTOMATIC = 'automed.segmentation.v1.SegmentationService';
const INTERACTIVE = 'automed.segmentation.v1.InteractiveSegmentationService';

/** With trained models, and with prompts. */
export function segmentationRole(deps: SegmentationDeps & InteractiveDeps): ServiceRegistration[] {
  return [
    { name: AUTOMATIC, definition: serviceDefinition(AUTOMATIC), implementation: segmentationHandlers(deps) },
    { name: INTERACTIVE, definition: serviceDefinition(INTERACTIVE), implementation: interactiveHandlers(deps) },
  ];
}
