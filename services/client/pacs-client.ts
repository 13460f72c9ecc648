import type { GetStatusResponse__Output } from '../../proto/gen/automed/pacs/v1/GetStatusResponse';
import type { GetStudyResponse__Output } from '../../proto/gen/automed/pacs/v1/GetStudyResponse';
import type { PacsServiceDefinition } from '../../proto/gen/automed/pacs/v1/PacsService';
import type { Study__Output } from '../../proto/gen/automed/pacs/v1/Study';
import type { WorkState } from '../../proto/gen/automed/pacs/v1/WorkState';
import { ApiClient, type CallSettings, type ClientConfig } from '../common/grpc/client';

/** What was steered. */
export interface SteeredCounts {
  analysisCount: number;
  deliveryCount: number;
}

/** A bridge to picture archives as the command line asks it. Every method rejects with a typed error. */
export class PacsClient {
  private readonly client: ApiClient<PacsServiceDefinition>;
  private readonly settings: Pick<CallSettings, 'timeoutMs' | 'metadata'>;

  /**
   * @param address `host:port` of a bridge, or of a gateway that leads to it
   * @param timeoutMs what one call may take
   * @param access how calls prove who they are: header fields, and TLS
   */
  constructor(
    address: string,
    timeoutMs: number,
    { metadata, credentials }: Pick<CallSettings, 'metadata'> & Pick<ClientConfig, 'credentials'> = {},
  ) {
    this.client = new ApiClient('automed.pacs.v1.PacsService', address, { credentials });
    this.settings = { timeoutMs, metadata };
  }

  status(): Promise<GetStatusResponse__Output> {
    return this.client.unary('GetStatus', {}, this.settings);
  }

  /** The newest first. @param state of an analysis or a delivery that the study must have; absent: all */
  async list(most: number, state?: WorkState): Promise<Study__Output[]> {
    const studies: Study__Output[] = [];
    let pageToken = '';
    do {
      const pageSize = Math.min(1000, most - studies.length);
      const page = await this.client.unary(
        'ListStudies',
        { pageSize, pageToken, ...(state === undefined ? {} : { state }) },
        this.settings,
      );
      studies.push(...page.studies);
      pageToken = page.nextPageToken;
    } while (pageToken !== '' && studies.length < most);
    return studies;
  }

  /** @param study UID, or number in the journal */
  get(study: string): Promise<GetStudyResponse__Output> {
    return this.client.unary('GetStudy', { study }, this.settings);
  }

  retry(study: string): Promise<SteeredCounts> {
    return this.client.unary('RetryStudy', { study }, this.settings);
  }

  discard(study: string): Promise<SteeredCounts> {
    return this.client.unary('DiscardStudy', { study }, this.settings);
  }

  /** Resolves to how many objects are not used any more. */
  async resolve(study: string, keep: 'first' | 'last'): Promise<number> {
    const kept = keep === 'first' ? 'KEPT_OBJECT_FIRST' : 'KEPT_OBJECT_LAST';
    return (await this.client.unary('ResolveStudy', { study, keep: kept }, this.settings)).rejectedCount;
  }

  close(): void {
    this.client.close();
  }
}
