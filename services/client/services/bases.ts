import type { Channel } from '@grpc/grpc-js';
import type { BaseServiceDefinition } from '../../../proto/gen/automed/bases/v1/BaseService';
import type { CreateBaseRequest } from '../../../proto/gen/automed/bases/v1/CreateBaseRequest';
import type { CreateBaseResponse__Output } from '../../../proto/gen/automed/bases/v1/CreateBaseResponse';
import type { EvaluateBaseRequest } from '../../../proto/gen/automed/bases/v1/EvaluateBaseRequest';
import type { EvaluateBaseResponse__Output } from '../../../proto/gen/automed/bases/v1/EvaluateBaseResponse';
import type { ImportBackboneRequest } from '../../../proto/gen/automed/bases/v1/ImportBackboneRequest';
import type { ImportBaseRequest } from '../../../proto/gen/automed/bases/v1/ImportBaseRequest';
import type { ImportReport__Output } from '../../../proto/gen/automed/bases/v1/ImportReport';
import type { TrainingResult__Output } from '../../../proto/gen/automed/training/v1/TrainingResult';
import { present } from '../core/answers';
import { Caller } from '../core/caller';
import type { CallOptions, ClientOptions, StreamOptions } from '../core/options';
import type { ResumeOptions } from '../core/breaks';

/** What an import made. */
export interface Imported {
  /** `name@version`. */
  made: string;
  report: ImportReport__Output;
}

export interface EvaluateBaseOptions extends StreamOptions, ResumeOptions {
  /** Called with what happens until the scores are there. */
  onProgress?: ((event: EvaluateBaseResponse__Output) => void) | undefined;
}

/** Work that reads files of gigabytes has no limit of its own. */
const UNLIMITED = { timeoutMs: Infinity };
/** How long an evaluation waits for a client that has lost its stream, milliseconds. */
const KEEP_MS = 120_000;
/** What telling a server may take that an evaluation is not wanted any more, milliseconds. */
const LET_GO_MS = 1_000;

/** Makes and measures bases. Every method lasts as long as its worker works, and rejects with an AutomedError. */
export class BasesClient {
  private readonly calls: Caller<BaseServiceDefinition>;

  constructor(channel: Channel, options: ClientOptions) {
    this.calls = new Caller('automed.bases.v1.BaseService', channel, { ...options, ...UNLIMITED });
  }

  /** Makes a base with random weights. */
  create(request: CreateBaseRequest, options?: CallOptions): Promise<CreateBaseResponse__Output> {
    return this.calls.unary('CreateBase', request, options);
  }

  /** Makes a base of published weights. */
  async importBase(request: ImportBaseRequest, options?: CallOptions): Promise<Imported> {
    const { base, report } = await this.calls.unary('ImportBase', request, options);
    return { made: base, report: present(report, 'report') };
  }

  /** Makes a backbone of published weights. */
  async importBackbone(request: ImportBackboneRequest, options?: CallOptions): Promise<Imported> {
    const { backbone, report } = await this.calls.unary('ImportBackbone', request, options);
    return { made: backbone, report: present(report, 'report') };
  }

  /** Measures a base with prompts made from the true masks. */
  async evaluate(
    request: EvaluateBaseRequest,
    { onProgress, ...options }: EvaluateBaseOptions = {},
  ): Promise<TrainingResult__Output> {
    let result: TrainingResult__Output | null | undefined;
    const kept = { ...request, keepMs: KEEP_MS };
    let token = '';
    try {
      for await (const message of this.calls.resumedStream('EvaluateBase', kept, options)) {
        token = message.resumeToken;
        if (message.result) result = message.result;
        else if (message.event) onProgress?.(message);
      }
    } finally {
      if (options.signal?.aborted && token !== '') await this.letGo(token);
    }
    return present(result, 'result');
  }

  /** Ends an evaluation that nobody wants any more, which would go on for a while. */
  private async letGo(resumeToken: string): Promise<void> {
    const call = this.calls.serverStream('EvaluateBase', { resumeToken }, { timeoutMs: LET_GO_MS });
    await call.next().catch(() => undefined);
    await call.return(undefined);
  }
}
