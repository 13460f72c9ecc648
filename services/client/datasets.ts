import { setTimeout as sleep } from 'node:timers/promises';
import type { Dataset__Output } from '../../proto/gen/automed/datasets/v1/Dataset';
import type { DatasetSpec } from '../../proto/gen/automed/datasets/v1/DatasetSpec';
import { automedError } from '../common/errors';
import { datasetClient, type CallSettings } from '../common/grpc/client';

const PAGE_SIZE = 200;
const POLL_MS = 250;

/** The state without its prefix: READY. */
export function stateOf({ state }: Pick<Dataset__Output, 'state'>): string {
  return state.replace('DATASET_STATE_', '');
}

function present(dataset: Dataset__Output | null): Dataset__Output {
  if (dataset === null) throw automedError('INTERNAL', 'the answer lacks its data set');
  return dataset;
}

/** What a gateway offers about data sets. Every method rejects with a typed error. */
export class Datasets {
  private readonly client;

  /**
   * @param address `host:port` of a gateway
   * @param timeoutMs what one call may take; a check takes as long as its files
   */
  constructor(
    address: string,
    private readonly timeoutMs: number,
  ) {
    this.client = datasetClient(address);
  }

  async register(spec: DatasetSpec, requestId: string): Promise<Dataset__Output> {
    return present((await this.client.unary('RegisterDataset', { requestId, spec }, this.settings())).dataset);
  }

  async validate(dataset: string): Promise<Dataset__Output> {
    return present((await this.client.unary('ValidateDataset', { dataset }, this.settings())).dataset);
  }

  async get(dataset: string): Promise<Dataset__Output> {
    return present((await this.client.unary('GetDataset', { dataset }, this.settings())).dataset);
  }

  /** Looks again and again until the check is done. */
  async checked(dataset: string, onProgress: (done: number, total: number) => void): Promise<Dataset__Output> {
    for (;;) {
      const now = await this.get(dataset);
      if (stateOf(now) !== 'CHECKING') return now;
      onProgress(now.checkedCount, now.totalCount);
      await sleep(POLL_MS);
    }
  }

  /** Every version of every data set, newest first, all pages. */
  async list(): Promise<Dataset__Output[]> {
    const all: Dataset__Output[] = [];
    let pageToken = '';
    do {
      const page = await this.client.unary('ListDatasets', { pageSize: PAGE_SIZE, pageToken }, this.settings());
      all.push(...page.datasets);
      pageToken = page.nextPageToken;
    } while (pageToken !== '');
    return all;
  }

  async delete(dataset: string): Promise<void> {
    await this.client.unary('DeleteDataset', { dataset }, this.settings());
  }

  close(): void {
    this.client.close();
  }

  private settings(): CallSettings {
    return { timeoutMs: this.timeoutMs };
  }
}
