import type { ClassifyRequest } from '../../../proto/gen/automed/classification/v1/ClassifyRequest';
import type { ClassifyResponse__Output } from '../../../proto/gen/automed/classification/v1/ClassifyResponse';
import type { Base__Output } from '../../../proto/gen/automed/models/v1/Base';
import type { Model__Output } from '../../../proto/gen/automed/models/v1/Model';
import type { SegmentRequest } from '../../../proto/gen/automed/segmentation/v1/SegmentRequest';
import type { SegmentResponse__Output } from '../../../proto/gen/automed/segmentation/v1/SegmentResponse';
import { automedError } from '../../common/errors';
import { classificationClient, modelClient, segmentationClient, type CallSettings } from '../../common/grpc/client';

const PAGE_SIZE = 200;

/** What a gateway offers the command line. Every method rejects with a typed error. */
export class AutomedClient {
  private readonly segmentation;
  private readonly classification;
  private readonly models;

  /**
   * @param address `host:port` of a gateway
   * @param timeoutMs what one call may take
   */
  constructor(
    address: string,
    private readonly timeoutMs: number,
  ) {
    this.segmentation = segmentationClient(address);
    this.classification = classificationClient(address);
    this.models = modelClient(address);
  }

  async segment(request: SegmentRequest): Promise<SegmentResponse__Output> {
    return this.segmentation.unary('Segment', request, this.settings());
  }

  async classify(request: ClassifyRequest): Promise<ClassifyResponse__Output> {
    return this.classification.unary('Classify', request, this.settings());
  }

  /** Every version of every model, all pages. */
  async listModels(): Promise<Model__Output[]> {
    return pages(async (pageToken) => {
      const request = { pageSize: PAGE_SIZE, pageToken };
      const { models, nextPageToken } = await this.models.unary('ListModels', request, this.settings());
      return { items: models, nextPageToken };
    });
  }

  async getModel(model: string): Promise<Model__Output> {
    return present((await this.models.unary('GetModel', { model }, this.settings())).model, 'model');
  }

  async setAlias(model: string, alias: string, version: number): Promise<void> {
    await this.models.unary('SetAlias', { model, alias, version }, this.settings());
  }

  async deleteAlias(model: string, alias: string): Promise<void> {
    await this.models.unary('DeleteAlias', { model, alias }, this.settings());
  }

  /** @param model `name@3` for one version, `name` for all */
  async deleteModel(model: string): Promise<void> {
    await this.models.unary('DeleteModel', { model }, this.settings());
  }

  async listBases(): Promise<Base__Output[]> {
    return pages(async (pageToken) => {
      const request = { pageSize: PAGE_SIZE, pageToken };
      const { bases, nextPageToken } = await this.models.unary('ListBases', request, this.settings());
      return { items: bases, nextPageToken };
    });
  }

  close(): void {
    for (const client of [this.segmentation, this.classification, this.models]) client.close();
  }

  private settings(): CallSettings {
    return { timeoutMs: this.timeoutMs };
  }
}

/** Walks a list that is paged from token to token. */
async function pages<T>(page: (token: string) => Promise<{ items: T[]; nextPageToken: string }>): Promise<T[]> {
  const all: T[] = [];
  let token = '';
  do {
    const { items, nextPageToken } = await page(token);
    all.push(...items);
    token = nextPageToken;
  } while (token !== '');
  return all;
}

function present<T>(value: T | null, name: string): T {
  if (value === null) throw automedError('INTERNAL', `the answer lacks its ${name}`);
  return value;
}
