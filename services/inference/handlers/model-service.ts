import type { UntypedServiceImplementation } from '@grpc/grpc-js';
import type { DeleteAliasRequest__Output } from '../../../proto/gen/automed/models/v1/DeleteAliasRequest';
import type { DeleteModelRequest__Output } from '../../../proto/gen/automed/models/v1/DeleteModelRequest';
import type { GetBaseRequest__Output } from '../../../proto/gen/automed/models/v1/GetBaseRequest';
import type { GetModelRequest__Output } from '../../../proto/gen/automed/models/v1/GetModelRequest';
import type { ListBackbonesRequest__Output } from '../../../proto/gen/automed/models/v1/ListBackbonesRequest';
import type { ListBasesRequest__Output } from '../../../proto/gen/automed/models/v1/ListBasesRequest';
import type { ListModelsRequest__Output } from '../../../proto/gen/automed/models/v1/ListModelsRequest';
import type { LoadModelRequest__Output } from '../../../proto/gen/automed/models/v1/LoadModelRequest';
import type { LookUpSamplesRequest__Output } from '../../../proto/gen/automed/models/v1/LookUpSamplesRequest';
import type { SetAliasRequest__Output } from '../../../proto/gen/automed/models/v1/SetAliasRequest';
import type { UnloadModelRequest__Output } from '../../../proto/gen/automed/models/v1/UnloadModelRequest';
import { unary, type ServiceRegistration } from '../../common/grpc/handlers';
import { serviceDefinition } from '../../common/grpc/proto';
import type { Logger } from '../../common/logging';
import type { Registry } from '../domain/registry';
import { toBackbone, toBase, toDescribedModel, toModel, toSampleKnowledge, toTask } from './model-messages';

const NAME = 'automed.models.v1.ModelService';

export function modelService(registry: Registry, log: Logger): ServiceRegistration {
  const implementation: UntypedServiceImplementation = {
    ListModels: unary(log, async (request: ListModelsRequest__Output) => {
      const { items, nextPageToken } = await registry.listModels(request, toTask(request.task));
      return { models: items.map(toModel), nextPageToken };
    }),
    GetModel: unary(log, async ({ model }: GetModelRequest__Output) => ({
      model: toDescribedModel(await registry.getModel(model)),
    })),
    LookUpSamples: unary(log, async ({ model, digests }: LookUpSamplesRequest__Output) =>
      toSampleKnowledge(await registry.lookUpSamples(model, digests)),
    ),
    LoadModel: unary(log, async ({ model }: LoadModelRequest__Output) => ({
      model: toModel(await registry.load(model)),
    })),
    UnloadModel: unary(log, async ({ model }: UnloadModelRequest__Output) => ({
      model: toModel(await registry.unload(model)),
    })),
    SetAlias: unary(log, async ({ model, alias, version }: SetAliasRequest__Output) => ({
      model: toModel(await registry.setAlias(model, alias, version)),
    })),
    DeleteAlias: unary(log, async ({ model, alias, force }: DeleteAliasRequest__Output) => {
      await registry.deleteAlias(model, alias, force);
      return {};
    }),
    DeleteModel: unary(log, async ({ model, force }: DeleteModelRequest__Output) => {
      await registry.deleteModel(model, force);
      return {};
    }),
    ListBases: unary(log, async (request: ListBasesRequest__Output) => {
      const { items, nextPageToken } = await registry.listBases(request);
      return { bases: items.map(toBase), nextPageToken };
    }),
    GetBase: unary(log, async ({ base }: GetBaseRequest__Output) => ({ base: toBase(await registry.getBase(base)) })),
    ListBackbones: unary(log, async (request: ListBackbonesRequest__Output) => {
      const { items, nextPageToken } = await registry.listBackbones(request);
      return { backbones: items.map(toBackbone), nextPageToken };
    }),
  };
  return { name: NAME, definition: serviceDefinition(NAME), implementation };
}
