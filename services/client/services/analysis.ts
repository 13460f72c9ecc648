import type { Channel } from '@grpc/grpc-js';
import type { AnalysisServiceDefinition } from '../../../proto/gen/automed/analysis/v1/AnalysisService';
import type { AnalyzeRequest } from '../../../proto/gen/automed/analysis/v1/AnalyzeRequest';
import type { Image } from '../../../proto/gen/automed/common/v1/Image';
import type { AnalyzeResponse__Output } from '../../../proto/gen/automed/analysis/v1/AnalyzeResponse';
import { Caller } from '../core/caller';
import type { CallOptions, ClientOptions } from '../core/options';

/** Several models on one image. */
export class AnalysisClient {
  private readonly calls: Caller<AnalysisServiceDefinition>;

  constructor(channel: Channel, options: ClientOptions) {
    this.calls = new Caller('automed.analysis.v1.AnalysisService', channel, options);
  }

  /** Asks any list of models about one image, with one encoder pass for each base. @throws AutomedError */
  analyze(request: AnalyzeRequest, options?: CallOptions): Promise<AnalyzeResponse__Output> {
    return this.calls.unary('Analyze', request, options);
  }

  /** A PNG of 8 bits of any image that the service reads. @throws AutomedError */
  async render(image: Image, options?: CallOptions): Promise<Buffer> {
    return (await this.calls.unary('RenderImage', { image }, options)).png;
  }
}
