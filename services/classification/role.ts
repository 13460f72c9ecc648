// The classification role: its handlers over whatever provides models. As services/segmentation/role.ts, it has no
// main.ts of its own: services/inference hosts it, and that program's main.ts is the one place outside this folder that
// may import it.

import type { ServiceRegistration } from '../common/grpc/handlers';
import { serviceDefinition } from '../common/grpc/proto';
import { classificationHandlers, type ClassificationDeps } from './handlers/classification-service';

export type { ClassificationModel, ClassificationModels } from './domain/ports';
export type { ClassificationDeps };

const NAME = 'automed.classification.v1.ClassificationService';

export function classificationRole(deps: ClassificationDeps): ServiceRegistration {
  return { name: NAME, definition: serviceDefinition(NAME), implementation: classificationHandlers(deps) };
}
