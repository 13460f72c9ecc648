import { Server, ServerCredentials, type sendUnaryData, type ServerUnaryCall } from '@grpc/grpc-js';
import type { ClassifyRequest__Output } from '../../../proto/gen/automed/classification/v1/ClassifyRequest';
import type { ClassifyResponse } from '../../../proto/gen/automed/classification/v1/ClassifyResponse';
import type { Model } from '../../../proto/gen/automed/models/v1/Model';
import type { SegmentRequest__Output } from '../../../proto/gen/automed/segmentation/v1/SegmentRequest';
import type { SegmentResponse } from '../../../proto/gen/automed/segmentation/v1/SegmentResponse';
import { automedError } from '../../../services/common/errors';
import { serviceDefinition } from '../../../services/common/grpc/proto';
import { toStatus } from '../../../services/common/grpc/status';
import { decodeImage } from '../../../services/imaging/decode';
import { encodeMaskPng } from '../../../services/imaging/mask';

const IDENTITY = {
  version: 3,
  weightsSha256: 'a'.repeat(64),
  baseName: 'tiny',
  baseVersion: 2,
  baseSha256: 'b'.repeat(64),
  precision: 'float32',
};

function model(name: string, version: number): Model {
  const classification = name === 'kinds';
  return {
    ...IDENTITY,
    name,
    version,
    task: classification ? 'TASK_CLASSIFICATION' : 'TASK_SEGMENTATION',
    weightsBytes: '1500000',
    classes: classification ? ['bright', 'dark'] : [],
    structures: classification ? [] : ['disc'],
    ...(classification ? {} : { threshold: 0.5 }),
    aliases: version === 3 ? ['production'] : [],
    metrics: classification ? { accuracy: 0.9 } : { mdsc: 0.8125 },
    createTime: { seconds: '1700000000', nanos: 0 },
    architectureJson: '{"kind":"sam-automed"}',
  };
}

/** Answers like a gateway whose models are simple rules: the left half is foreground; an image is bright or dark. */
export class FakeGateway {
  readonly calls: string[] = [];
  private readonly server = new Server({ 'grpc.max_receive_message_length': 64 * 1024 * 1024 });

  async start(): Promise<string> {
    this.server.addService(serviceDefinition('automed.segmentation.v1.SegmentationService'), {
      Segment: this.handler('Segment', (request: SegmentRequest__Output) => this.segment(request)),
    });
    this.server.addService(serviceDefinition('automed.classification.v1.ClassificationService'), {
      Classify: this.handler('Classify', (request: ClassifyRequest__Output) => this.classify(request)),
    });
    this.server.addService(serviceDefinition('automed.models.v1.ModelService'), {
      ListModels: this.handler('ListModels', ({ pageToken }: { pageToken: string }) =>
        // Two pages: the client must walk them.
        pageToken === ''
          ? { models: [model('disc', 3), model('disc', 1)], nextPageToken: 'more' }
          : { models: [model('kinds', 1)], nextPageToken: '' },
      ),
      GetModel: this.handler('GetModel', (request: { model: string }) => {
        const [name = ''] = request.model.split('@');
        this.check(name);
        return { model: model(name, 3) };
      }),
      SetAlias: this.handler('SetAlias', () => ({ model: model('disc', 3) })),
      DeleteAlias: this.handler('DeleteAlias', () => ({})),
      DeleteModel: this.handler('DeleteModel', () => ({})),
      ListBases: this.handler('ListBases', () => ({ bases: [], nextPageToken: '' })),
    });
    const port = await new Promise<number>((resolve, reject) =>
      this.server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
        error ? reject(error) : resolve(bound),
      ),
    );
    return `127.0.0.1:${port}`;
  }

  stop(): void {
    this.server.forceShutdown();
  }

  private handler<I, O>(name: string, answer: (request: I) => O | Promise<O>) {
    return (call: ServerUnaryCall<I, O>, done: sendUnaryData<O>): void => {
      this.calls.push(name);
      Promise.resolve()
        .then(() => answer(call.request))
        .then(
          (response) => done(null, response),
          (error: unknown) => done(toStatus(error, 'request-1')),
        );
    };
  }

  private check(name: string): void {
    if (name !== 'disc' && name !== 'kinds') {
      throw automedError('NOT_FOUND', `There is no model "${name}".`, { field: 'model' });
    }
  }

  private async segment(request: SegmentRequest__Output): Promise<SegmentResponse> {
    this.check(request.model.split('@')[0] ?? '');
    const { width, height } = await decodeImage(request.image?.encoded ?? Buffer.alloc(0));
    const half = Math.floor(width / 2);
    const mask = Uint8Array.from({ length: width * height }, (_, at) => (at % width < half ? 1 : 0));
    return {
      mask: {
        png: await encodeMaskPng(mask, width, height),
        widthPx: width,
        heightPx: height,
        areaPx: half * height,
        boundingBox: { xPx: 0, yPx: 0, widthPx: half, heightPx: height },
        meanForegroundProbability: 0.75,
        structure: 'disc',
      },
      threshold: request.threshold ?? 0.5,
      model: { ...IDENTITY, name: 'disc' },
      timings: { totalMs: 12.5, batchSize: 1 },
    };
  }

  private async classify(request: ClassifyRequest__Output): Promise<ClassifyResponse> {
    this.check(request.model.split('@')[0] ?? '');
    const { data } = await decodeImage(request.image?.encoded ?? Buffer.alloc(0));
    const bright = (data[0] ?? 0) > 127;
    return {
      predictedClass: bright ? 'bright' : 'dark',
      probabilities: [
        { className: 'bright', probability: bright ? 0.9 : 0.2 },
        { className: 'dark', probability: bright ? 0.1 : 0.8 },
      ],
      model: { ...IDENTITY, name: 'kinds' },
      timings: { totalMs: 3, batchSize: 1 },
    };
  }
}
