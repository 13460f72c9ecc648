// Models through the gateway.

import { automedError } from '../common/errors';
import { ApiClient, type CallSettings, type ClientConfig } from '../common/grpc/client';
import { unpackBits } from '../imaging/mask';
import type { Pixels } from '../imaging/pixels/pixels';
import { termsSchema } from '../store/terms';
import type { ClassificationServiceDefinition } from '../../proto/gen/automed/classification/v1/ClassificationService';
import type { Image } from '../../proto/gen/automed/common/v1/Image';
import type { ModelInfo__Output } from '../../proto/gen/automed/common/v1/ModelInfo';
import type { ModelServiceDefinition } from '../../proto/gen/automed/models/v1/ModelService';
import type { SegmentationServiceDefinition } from '../../proto/gen/automed/segmentation/v1/SegmentationService';
import type { AnsweredBy, DescribedModel, FrameClasses, FrameMasks, FrameQuestion, Models } from './ports';

const FORMATS: Readonly<Record<number, 'PIXEL_FORMAT_GRAY' | 'PIXEL_FORMAT_RGB'>> = {
  1: 'PIXEL_FORMAT_GRAY',
  3: 'PIXEL_FORMAT_RGB',
};
const TYPES = { uint8: 'SAMPLE_TYPE_UINT8', uint16: 'SAMPLE_TYPE_UINT16', float32: 'SAMPLE_TYPE_FLOAT32' } as const;

function imageOf({ data, width, height, channels, sampleType }: Pixels, spacing: FrameQuestion['spacing']): Image {
  const pixelFormat = FORMATS[channels];
  if (!pixelFormat) throw new Error(`no pixel format of ${channels} channels`);
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  return {
    raw: { data: bytes, widthPx: width, heightPx: height, pixelFormat, sampleType: TYPES[sampleType] },
    ...(spacing ? { pixelSpacing: { rowMm: spacing[0], columnMm: spacing[1] } } : {}),
  };
}

function answeredBy(info: ModelInfo__Output | null): AnsweredBy {
  if (!info) throw automedError('INTERNAL', 'An answer does not say which weights it is of.');
  return { weightsSha256: info.weightsSha256, baseSha256: info.baseSha256, precision: info.precision };
}

/** How calls prove who they are. */
export interface GatewayAccess {
  /** API key or token. */
  token?: string | undefined;
  /** Default: plain text. */
  credentials?: ClientConfig['credentials'];
}

/** The services behind one address. */
export class GatewayModels implements Models {
  private readonly models: ApiClient<ModelServiceDefinition>;
  private readonly segmentation: ApiClient<SegmentationServiceDefinition>;
  private readonly classification: ApiClient<ClassificationServiceDefinition>;

  /** @param timeoutMs what one call may take */
  constructor(
    address: string,
    private readonly timeoutMs: number,
    private readonly access: GatewayAccess = {},
  ) {
    const config: ClientConfig = { credentials: access.credentials };
    this.models = new ApiClient('automed.models.v1.ModelService', address, config);
    this.segmentation = new ApiClient('automed.segmentation.v1.SegmentationService', address, config);
    this.classification = new ApiClient('automed.classification.v1.ClassificationService', address, config);
  }

  async describe(reference: string, signal: AbortSignal): Promise<DescribedModel> {
    const { model } = await this.models.unary('GetModel', { model: reference }, this.settings(signal));
    if (!model) throw automedError('INTERNAL', 'The gateway describes no model.');
    const lineage = JSON.parse(model.lineageJson || '{}') as { preprocessing?: unknown; terms?: unknown };
    return {
      name: model.name,
      version: model.version,
      task: model.task === 'TASK_SEGMENTATION' ? 'segmentation' : 'classification',
      weightsSha256: model.weightsSha256,
      baseSha256: model.baseSha256,
      names: model.task === 'TASK_SEGMENTATION' ? model.structures : model.classes,
      threshold: model.threshold,
      preprocessing: JSON.stringify(lineage.preprocessing ?? {}),
      terms: lineage.terms === undefined ? undefined : termsSchema.parse(lineage.terms),
    };
  }

  async segment({ model, pixels, spacing, threshold, signal }: FrameQuestion): Promise<FrameMasks> {
    const answer = await this.segmentation.unary(
      'Segment',
      {
        model,
        image: imageOf(pixels, spacing),
        maskFormat: 'MASK_FORMAT_PACKED_BITS',
        ...(threshold === undefined ? {} : { threshold }),
      },
      this.settings(signal),
    );
    const masks = answer.masks.map(({ structure, widthPx, heightPx, packedBits, meanForegroundProbability }) => ({
      structure,
      width: widthPx,
      height: heightPx,
      mask: unpackBits(packedBits ?? Buffer.alloc(0), widthPx * heightPx),
      probability: meanForegroundProbability,
    }));
    return { by: answeredBy(answer.model), masks };
  }

  async classify({ model, pixels, spacing, signal }: FrameQuestion): Promise<FrameClasses> {
    const answer = await this.classification.unary(
      'Classify',
      { model, image: imageOf(pixels, spacing) },
      this.settings(signal),
    );
    const classes = answer.probabilities.map(({ className, probability }) => ({ name: className, probability }));
    return { by: answeredBy(answer.model), classes };
  }

  close(): void {
    for (const client of [this.models, this.segmentation, this.classification]) client.close();
  }

  private settings(signal: AbortSignal): CallSettings {
    const { token } = this.access;
    const metadata = token === undefined ? undefined : { authorization: `Bearer ${token}` };
    return { timeoutMs: this.timeoutMs, signal, metadata };
  }
}
