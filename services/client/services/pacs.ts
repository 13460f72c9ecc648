import type { Channel } from '@grpc/grpc-js';
import type { GetStatusResponse__Output } from '../../../proto/gen/automed/pacs/v1/GetStatusResponse';
import type { GetStudyResponse__Output } from '../../../proto/gen/automed/pacs/v1/GetStudyResponse';
import type { PacsServiceDefinition } from '../../../proto/gen/automed/pacs/v1/PacsService';
import type { Study__Output } from '../../../proto/gen/automed/pacs/v1/Study';
import type { WorkState } from '../../../proto/gen/automed/pacs/v1/WorkState';
import { paged } from '../core/answers';
import { Caller } from '../core/caller';
import type { CallOptions, ClientOptions } from '../core/options';

/** What was steered. */
export interface SteeredCounts {
  analysisCount: number;
  deliveryCount: number;
}

/** A bridge to picture archives. Every method rejects with an AutomedError. */
export class PacsClient {
  private readonly calls: Caller<PacsServiceDefinition>;

  constructor(channel: Channel, options: ClientOptions) {
    this.calls = new Caller('automed.pacs.v1.PacsService', channel, options);
  }

  status(options?: CallOptions): Promise<GetStatusResponse__Output> {
    return this.calls.unary('GetStatus', {}, options);
  }

  /** The newest first. @param state of an analysis or a delivery that the study must have; default: all */
  list({ state, ...options }: CallOptions & { state?: WorkState | undefined } = {}): AsyncGenerator<Study__Output> {
    const wanted = state === undefined ? {} : { state };
    return paged(async (page) => {
      const { studies, nextPageToken } = await this.calls.unary('ListStudies', { ...page, ...wanted }, options);
      return { items: studies, nextPageToken };
    });
  }

  /** @param study UID, or number in the journal, as in all methods */
  get(study: string, options?: CallOptions): Promise<GetStudyResponse__Output> {
    return this.calls.unary('GetStudy', { study }, options);
  }

  /** Tries again what was given up or discarded. */
  retry(study: string, options?: CallOptions): Promise<SteeredCounts> {
    return this.calls.unary('RetryStudy', { study }, options);
  }

  /** Gives up what waits. */
  discard(study: string, options?: CallOptions): Promise<SteeredCounts> {
    return this.calls.unary('DiscardStudy', { study }, options);
  }

  /** Says which of several objects with one UID holds. Resolves to how many objects are not used any more. */
  async resolve(study: string, keep: 'first' | 'last', options?: CallOptions): Promise<number> {
    const kept = keep === 'first' ? 'KEPT_OBJECT_FIRST' : 'KEPT_OBJECT_LAST';
    return (await this.calls.unary('ResolveStudy', { study, keep: kept }, options)).rejectedCount;
  }
}
