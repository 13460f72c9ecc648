import { randomUUID } from 'node:crypto';
import type { Channel } from '@grpc/grpc-js';
import type { Dataset__Output } from '../../../proto/gen/automed/datasets/v1/Dataset';
import type { DatasetServiceDefinition } from '../../../proto/gen/automed/datasets/v1/DatasetService';
import type { NextLabels__Output } from '../../../proto/gen/automed/datasets/v1/NextLabels';
import type { OrderNextLabelsRequest } from '../../../proto/gen/automed/datasets/v1/OrderNextLabelsRequest';
import type { DatasetSpec } from '../../../proto/gen/automed/datasets/v1/DatasetSpec';
import { paged, present } from '../core/answers';
import { Caller } from '../core/caller';
import type { CallOptions, ClientOptions, StreamOptions } from '../core/options';
import { polled, type PollOptions } from '../core/polled';

export interface NextLabelsOptions extends StreamOptions {
  /** Called while images are encoded, and again from the beginning while the order is measured. */
  onProgress?: ((done: number, total: number) => void) | undefined;
}

/** Registered data sets. Every method rejects with an AutomedError. */
export class DatasetsClient {
  private readonly calls: Caller<DatasetServiceDefinition>;

  constructor(channel: Channel, options: ClientOptions) {
    this.calls = new Caller('automed.datasets.v1.DatasetService', channel, options);
  }

  /** @param requestId the same id with the same specification registers once; default: one of the call's own */
  async register(
    spec: DatasetSpec,
    { requestId = randomUUID(), ...options }: CallOptions & { requestId?: string | undefined } = {},
  ): Promise<Dataset__Output> {
    const answer = await this.calls.unary('RegisterDataset', { requestId, spec }, options, true);
    return present(answer.dataset, 'data set');
  }

  /** Queues the check of a data set. @param dataset `name` (its latest version) or `name@2`, as in all methods */
  async validate(dataset: string, options?: CallOptions): Promise<Dataset__Output> {
    return present((await this.calls.unary('ValidateDataset', { dataset }, options)).dataset, 'data set');
  }

  async get(dataset: string, options?: CallOptions): Promise<Dataset__Output> {
    return present((await this.calls.unary('GetDataset', { dataset }, options)).dataset, 'data set');
  }

  /** Waits until the check is done, which takes as long as its files. */
  wait(dataset: string, options: PollOptions<Dataset__Output> = {}): Promise<Dataset__Output> {
    return polled(
      (call) => this.get(dataset, call),
      ({ state }) => state !== 'DATASET_STATE_CHECKING',
      options,
    );
  }

  /** Every version of every data set, newest first. */
  list(options?: CallOptions): AsyncGenerator<Dataset__Output> {
    return paged(async (page) => {
      const { datasets, nextPageToken } = await this.calls.unary('ListDatasets', page, options);
      return { items: datasets, nextPageToken };
    });
  }

  /** Which images to label next, and whether that order helps; lasts as long as its images take to encode. */
  async nextLabels(
    request: OrderNextLabelsRequest,
    { onProgress, ...options }: NextLabelsOptions = {},
  ): Promise<NextLabels__Output> {
    let result: NextLabels__Output | null | undefined;
    for await (const message of this.calls.serverStream('OrderNextLabels', request, {
      timeoutMs: Infinity,
      ...options,
    })) {
      if (message.result) result = message.result;
      else if (message.preparation) onProgress?.(message.preparation.doneCount, message.preparation.totalCount);
    }
    return present(result, 'result');
  }

  /** Forgets one version; its files stay. @param dataset `name@2` */
  async delete(dataset: string, options?: CallOptions): Promise<void> {
    await this.calls.unary('DeleteDataset', { dataset }, options);
  }
}
