import type { UntypedServiceImplementation } from '@grpc/grpc-js';
import type { ListDatasetSamplesRequest__Output } from '../../../proto/gen/automed/datasets/v1/ListDatasetSamplesRequest';
import type { OrderNextLabelsRequest__Output } from '../../../proto/gen/automed/datasets/v1/OrderNextLabelsRequest';
import type { ListDatasetsRequest__Output } from '../../../proto/gen/automed/datasets/v1/ListDatasetsRequest';
import type { ReadDatasetSampleRequest__Output } from '../../../proto/gen/automed/datasets/v1/ReadDatasetSampleRequest';
import type { RegisterDatasetRequest__Output } from '../../../proto/gen/automed/datasets/v1/RegisterDatasetRequest';
import { automedError } from '../../common/errors';
import { serverStream, unary, type ServiceRegistration } from '../../common/grpc/handlers';
import { serviceDefinition } from '../../common/grpc/proto';
import type { Logger } from '../../common/logging';
import type { DatasetRegistry } from '../domain/datasets/registry';
import type { BaseWork } from '../domain/bases';
import type { DatasetSamples } from '../domain/datasets/samples';
import { orderNextLabels } from './next-labels';
import { toReadSample } from './dataset-sample-messages';
import { sourceOf, toDataset } from './dataset-messages';
import { taskOf } from '../../worker/protocol/training-spec-message';

const NAME = 'automed.datasets.v1.DatasetService';

export interface DatasetDeps {
  datasets: DatasetRegistry;
  samples: DatasetSamples;
  bases: BaseWork;
  /** Ends what runs when the service stops. */
  stopping: AbortSignal;
  log: Logger;
}

interface WithDataset {
  dataset: string;
}

export function datasetService({ datasets, samples, bases, stopping, log }: DatasetDeps): ServiceRegistration {
  const implementation: UntypedServiceImplementation = {
    RegisterDataset: unary(log, async ({ requestId, spec }: RegisterDatasetRequest__Output) => {
      if (spec === null) throw automedError('INVALID_ARGUMENT', 'The request has no data set.', { field: 'spec' });
      if (!/^[\w.-]{0,128}$/.test(requestId)) {
        throw automedError('INVALID_ARGUMENT', 'A request id is at most 128 of A-Z a-z 0-9 . _ -', {
          field: 'request_id',
        });
      }
      return { dataset: toDataset(await datasets.register(spec.name, sourceOf(spec), requestId)) };
    }),
    ValidateDataset: unary(log, ({ dataset }: WithDataset) => ({ dataset: toDataset(datasets.validate(dataset)) })),
    GetDataset: unary(log, ({ dataset }: WithDataset) => ({ dataset: toDataset(datasets.get(dataset)) })),
    ListDatasets: unary(log, (request: ListDatasetsRequest__Output) => {
      const filter = { task: taskOf(request.task), name: request.name === '' ? undefined : request.name };
      const page = datasets.list(filter, request);
      return {
        datasets: page.datasets.map((dataset) => toDataset(dataset, false)),
        nextPageToken: page.nextPageToken,
      };
    }),
    ListDatasetSamples: unary(log, ({ dataset, ...page }: ListDatasetSamplesRequest__Output) =>
      samples.list(dataset, page),
    ),
    ReadDatasetSample: unary(log, async ({ dataset, name }: ReadDatasetSampleRequest__Output) =>
      toReadSample(await samples.read(dataset, name)),
    ),
    OrderNextLabels: serverStream(log, (request: OrderNextLabelsRequest__Output, { signal }) =>
      orderNextLabels(request, { datasets, bases, signal: AbortSignal.any([signal, stopping]) }),
    ),
    DeleteDataset: unary(log, async ({ dataset }: WithDataset) => {
      await datasets.remove(dataset);
      return {};
    }),
  };
  return { name: NAME, definition: serviceDefinition(NAME), implementation };
}
