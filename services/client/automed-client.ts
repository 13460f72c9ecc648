import type { AnalyzeRequest } from '../../proto/gen/automed/analysis/v1/AnalyzeRequest';
import type { AnalyzeResponse__Output } from '../../proto/gen/automed/analysis/v1/AnalyzeResponse';
import type { Image } from '../../proto/gen/automed/common/v1/Image';
import type { ClassifyRequest } from '../../proto/gen/automed/classification/v1/ClassifyRequest';
import type { ClassifyResponse__Output } from '../../proto/gen/automed/classification/v1/ClassifyResponse';
import type { Backbone__Output } from '../../proto/gen/automed/models/v1/Backbone';
import type { Base__Output } from '../../proto/gen/automed/models/v1/Base';
import type { Model__Output } from '../../proto/gen/automed/models/v1/Model';
import type { PredictMasksRequest } from '../../proto/gen/automed/segmentation/v1/PredictMasksRequest';
import type { PredictMasksResponse__Output } from '../../proto/gen/automed/segmentation/v1/PredictMasksResponse';
import type { SegmentEverythingRequest } from '../../proto/gen/automed/segmentation/v1/SegmentEverythingRequest';
import type { SegmentEverythingResponse__Output } from '../../proto/gen/automed/segmentation/v1/SegmentEverythingResponse';
import type { SegmentRequest } from '../../proto/gen/automed/segmentation/v1/SegmentRequest';
import type { SegmentResponse__Output } from '../../proto/gen/automed/segmentation/v1/SegmentResponse';
import { AutomedError, automedError } from '../common/errors';
import { SAMPLE_PARTS, type SampleOrigin } from '../store';
import type { LookedUp } from '../datasets/split/sample-origins';
import {
  analysisClient,
  classificationClient,
  interactiveClient,
  modelClient,
  segmentationClient,
  type CallSettings,
} from '../common/grpc/client';

const PAGE_SIZE = 200;
const DIGESTS_PER_CALL = 32_768;

/** What a gateway offers the command line. Every method rejects with a typed error. */
export class AutomedClient {
  private readonly segmentation;
  private readonly interactive;
  private readonly classification;
  private readonly analysis;
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
    this.interactive = interactiveClient(address);
    this.classification = classificationClient(address);
    this.analysis = analysisClient(address);
    this.models = modelClient(address);
  }

  async segment(request: SegmentRequest): Promise<SegmentResponse__Output> {
    return this.segmentation.unary('Segment', request, this.settings());
  }

  async classify(request: ClassifyRequest): Promise<ClassifyResponse__Output> {
    return this.classification.unary('Classify', request, this.settings());
  }

  /** @param embeddingId what an earlier answer named; the image is sent only where it is gone */
  async predictMasks(
    image: Image,
    embeddingId: string | undefined,
    request: Omit<PredictMasksRequest, 'image' | 'embeddingId'>,
  ): Promise<PredictMasksResponse__Output> {
    return resending(image, embeddingId, (source) =>
      this.interactive.unary('PredictMasks', { ...request, ...source }, this.settings()),
    );
  }

  /** @param embeddingId as for predictMasks() */
  async segmentEverything(
    image: Image,
    embeddingId: string | undefined,
    request: Omit<SegmentEverythingRequest, 'image' | 'embeddingId'>,
  ): Promise<SegmentEverythingResponse__Output> {
    return resending(image, embeddingId, (source) =>
      this.interactive.unary('SegmentEverything', { ...request, ...source }, this.settings()),
    );
  }

  async analyze(request: AnalyzeRequest): Promise<AnalyzeResponse__Output> {
    return this.analysis.unary('Analyze', request, this.settings());
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

  /** What a version knows of samples, by SHA-256 in hexadecimal digits; undefined when it recorded nothing. */
  async lookUpSamples(model: string, digests: readonly string[]): Promise<LookedUp | undefined> {
    const origins = new Map<string, SampleOrigin>();
    let unrecorded: string[] = [];
    // Once also without digests: whether there is a record is worth knowing.
    for (let from = 0; from === 0 || from < digests.length; from += DIGESTS_PER_CALL) {
      const some = digests.slice(from, from + DIGESTS_PER_CALL);
      const request = { model, digests: Buffer.from(some.join(''), 'hex') };
      const answer = await this.models.unary('LookUpSamples', request, this.settings());
      if (!answer.recorded) return undefined;
      ({ unrecorded } = answer);
      for (const [index, { part, seen }] of answer.origins.entries()) {
        const own = SAMPLE_PARTS.find((each) => part === `SAMPLE_PART_${each.toUpperCase()}`);
        if (own !== undefined || seen) origins.set(some[index]!, { ...(own === undefined ? {} : { part: own }), seen });
      }
    }
    return { origins, unrecorded };
  }

  async setAlias(model: string, alias: string, version: number): Promise<void> {
    await this.models.unary('SetAlias', { model, alias, version }, this.settings());
  }

  /** @param force also an alias that was promoted */
  async deleteAlias(model: string, alias: string, force: boolean): Promise<void> {
    await this.models.unary('DeleteAlias', { model, alias, force }, this.settings());
  }

  /** @param model `name@3` for one version, `name` for all */
  async deleteModel(model: string): Promise<void> {
    await this.models.unary('DeleteModel', { model }, this.settings());
  }

  /** @param reference `name`, or `name@3` */
  async getBase(reference: string): Promise<Base__Output> {
    const { base } = await this.models.unary('GetBase', { base: reference }, this.settings());
    if (base === null) throw automedError('INTERNAL', 'the answer lacks its base');
    return base;
  }

  async listBases(): Promise<Base__Output[]> {
    return pages(async (pageToken) => {
      const request = { pageSize: PAGE_SIZE, pageToken };
      const { bases, nextPageToken } = await this.models.unary('ListBases', request, this.settings());
      return { items: bases, nextPageToken };
    });
  }

  async listBackbones(): Promise<Backbone__Output[]> {
    return pages(async (pageToken) => {
      const request = { pageSize: PAGE_SIZE, pageToken };
      const { backbones, nextPageToken } = await this.models.unary('ListBackbones', request, this.settings());
      return { items: backbones, nextPageToken };
    });
  }

  close(): void {
    const { segmentation, interactive, classification, analysis, models } = this;
    for (const client of [segmentation, interactive, classification, analysis, models]) client.close();
  }

  private settings(): CallSettings {
    return { timeoutMs: this.timeoutMs };
  }
}

/** Tries the embedding first; whichever replica answers may not hold it, and then the image is sent. */
async function resending<T>(
  image: Image,
  embeddingId: string | undefined,
  call: (source: { image: Image } | { embeddingId: string }) => Promise<T>,
): Promise<T> {
  if (embeddingId === undefined) return call({ image });
  try {
    return await call({ embeddingId });
  } catch (error) {
    if (error instanceof AutomedError && error.code === 'EMBEDDING_NOT_RESIDENT') return call({ image });
    throw error;
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
