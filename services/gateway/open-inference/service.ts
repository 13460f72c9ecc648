// The Open Inference Protocol before the API: each method becomes calls of the gateway's own, by whoever called.

import type { Channel, handleUnaryCall, Metadata, ServiceDefinition } from '@grpc/grpc-js';
import type { ClassificationServiceDefinition } from '../../../proto/gen/automed/classification/v1/ClassificationService';
import type { Model__Output } from '../../../proto/gen/automed/models/v1/Model';
import type { ModelServiceDefinition } from '../../../proto/gen/automed/models/v1/ModelService';
import type { SegmentationServiceDefinition } from '../../../proto/gen/automed/segmentation/v1/SegmentationService';
import type { ModelInferRequest__Output } from '../../../proto/gen/inference/ModelInferRequest';
import type { ModelInferResponse } from '../../../proto/gen/inference/ModelInferResponse';
import type { ModelMetadataResponse } from '../../../proto/gen/inference/ModelMetadataResponse';
import { automedError, NotFoundError } from '../../common/errors';
import { ApiClient, type CallSettings } from '../../common/grpc/client';
import { PEER_KEY, unary, type CallContext, type ServiceRegistration } from '../../common/grpc/handlers';
import type { Health } from '../../common/grpc/health';
import { openInferenceDefinition } from '../../common/grpc/proto';
import { packageVersion } from '../../common/installation';
import { guarded, type Guarded, type GuardDeps } from '../handlers/guarded';
import { answerOf, classificationOutputs, IMAGE_INPUT, imageOf, numberOf, segmentationOutputs } from './tensors';

export const OPEN_INFERENCE = 'inference.GRPCInferenceService';

export interface OpenInferenceDeps extends GuardDeps {
  /** To the gateway's own methods. */
  channel: Channel;
  health: Health;
}

/** Header fields that go on. */
const PASSED = ['authorization', 'automed-sticky-key', 'traceparent', 'tracestate'];

interface Named {
  name: string;
  version: string;
}

/** Methods that name a model: their messages are decoded once it is known who calls. */
const GUARDED = ['ModelReady', 'ModelMetadata', 'ModelInfer'] as const;

const identity = (bytes: Buffer): Buffer => bytes;

export function openInferenceService({ channel, health, log, ...guards }: OpenInferenceDeps): ServiceRegistration {
  const infer = new Inference(channel);
  const definition = openInferenceDefinition();
  const named = <Request, Response>(
    name: (typeof GUARDED)[number],
    handler: (request: Request, settings: CallSettings) => Promise<Response>,
  ): handleUnaryCall<Buffer, Response> => {
    const decode = definition[name]?.requestDeserialize as (bytes: Buffer) => Request;
    const method = `${OPEN_INFERENCE}/${name}`;
    const handle: Guarded<Request, Response>['handle'] = (request, call, context) =>
      handler(request, settingsOf(call, context));
    return guarded({ method, decode, handle }, { ...guards, log });
  };
  const ready = (): boolean => health.get('') === 'SERVING';
  return {
    name: OPEN_INFERENCE,
    definition: withBytes(definition),
    implementation: {
      ServerLive: unary(log, () => ({ live: true })),
      ServerReady: unary(log, () => ({ ready: ready() })),
      ServerMetadata: unary(log, () => ({ name: 'automed', version: packageVersion(), extensions: [] })),
      ModelReady: named('ModelReady', async (request: Named, settings) => ({
        ready: await infer.isLoaded(request, settings),
      })),
      ModelMetadata: named('ModelMetadata', (request: Named, settings) => infer.metadata(request, settings)),
      ModelInfer: named('ModelInfer', (request: ModelInferRequest__Output, settings) => infer.run(request, settings)),
    },
  };
}

function withBytes(definition: ServiceDefinition): ServiceDefinition {
  const methods = Object.entries(definition).map(([name, method]) => {
    return [name, GUARDED.some((each) => each === name) ? { ...method, requestDeserialize: identity } : method];
  });
  return Object.fromEntries(methods) as ServiceDefinition;
}

function settingsOf(call: { metadata: Metadata; getPeer(): string }, context: CallContext): CallSettings {
  const { metadata } = call;
  const passed = PASSED.map((name) => [name, metadata.get(name)[0]?.toString()] as const);
  const headers = Object.fromEntries(passed.filter((entry): entry is [string, string] => entry[1] !== undefined));
  return {
    timeoutMs: context.remainingMs(),
    signal: context.signal,
    metadata: { ...headers, 'x-request-id': context.requestId, [PEER_KEY]: call.getPeer() },
  };
}

class Inference {
  private readonly models: ApiClient<ModelServiceDefinition>;
  private readonly segmentation: ApiClient<SegmentationServiceDefinition>;
  private readonly classification: ApiClient<ClassificationServiceDefinition>;

  constructor(channel: Channel) {
    this.models = new ApiClient('automed.models.v1.ModelService', channel);
    this.segmentation = new ApiClient('automed.segmentation.v1.SegmentationService', channel);
    this.classification = new ApiClient('automed.classification.v1.ClassificationService', channel);
  }

  async isLoaded(named: Named, settings: CallSettings): Promise<boolean> {
    try {
      return (await this.model(named, settings)).loaded;
    } catch (error) {
      if (error instanceof NotFoundError) return false;
      throw error;
    }
  }

  async metadata(named: Named, settings: CallSettings): Promise<ModelMetadataResponse> {
    const { task, version, structures, classes } = await this.model(named, settings);
    const outputs =
      task === 'TASK_SEGMENTATION'
        ? [
            { name: 'masks', datatype: 'UINT8', shape: [structures.length || -1, -1, -1] },
            { name: 'structures', datatype: 'BYTES', shape: [structures.length || -1] },
            { name: 'mean_foreground_probability', datatype: 'FP32', shape: [structures.length || -1] },
          ]
        : [
            { name: 'probabilities', datatype: 'FP32', shape: [classes.length] },
            { name: 'classes', datatype: 'BYTES', shape: [classes.length] },
          ];
    const inputs = [{ name: IMAGE_INPUT, datatype: 'BYTES', shape: [1] }];
    return { name: named.name, versions: [String(version)], platform: 'automed_libtorch', inputs, outputs };
  }

  async run(request: ModelInferRequest__Output, settings: CallSettings): Promise<ModelInferResponse> {
    const image = imageOf(request);
    const named = { name: request.modelName, version: request.modelVersion };
    const { task } = await this.model(named, settings);
    const priority = numberOf(request.parameters, 'priority') ?? 0;
    const asked = { model: referenceOf(named), image, priority };
    if (task === 'TASK_CLASSIFICATION') {
      const answer = await this.classification.unary('Classify', asked, settings);
      return answerOf(request, answer.model?.version ?? 0, classificationOutputs(answer));
    }
    const threshold = numberOf(request.parameters, 'threshold');
    const given = threshold === undefined ? {} : { threshold };
    const segment = { ...asked, ...given, maskFormat: 'MASK_FORMAT_PACKED_BITS' as const };
    const answer = await this.segmentation.unary('Segment', segment, settings);
    return answerOf(request, answer.model?.version ?? 0, segmentationOutputs(answer));
  }

  private async model(named: Named, settings: CallSettings): Promise<Model__Output> {
    const { model } = await this.models.unary('GetModel', { model: referenceOf(named) }, settings);
    if (!model) throw automedError('INTERNAL', 'an answer of GetModel without a model');
    return model;
  }
}

/** `name@version`; the name may have an alias itself. @throws InvalidInputError */
function referenceOf({ name, version }: Named): string {
  if (name === '') throw automedError('INVALID_ARGUMENT', 'The request names no model.', { field: 'model_name' });
  return version === '' ? name : `${name}@${version}`;
}
