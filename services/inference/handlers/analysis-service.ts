import type { AnalyzeRequest__Output } from '../../../proto/gen/automed/analysis/v1/AnalyzeRequest';
import type { Finding as FindingMessage } from '../../../proto/gen/automed/analysis/v1/Finding';
import { toResponse as toClassifyResponse } from '../../classification/handlers/messages';
import { unary, type CallContext, type ServiceRegistration } from '../../common/grpc/handlers';
import { serviceDefinition } from '../../common/grpc/proto';
import type { Logger } from '../../common/logging';
import { checkPriority } from '../../common/priority';
import type { ImageIntake } from '../../imaging/image-input';
import { toEncoding, toResponse as toSegmentResponse } from '../../segmentation/handlers/messages';
import { analyzeImage, type AnalyzeCommand, type Analyzer, type AnyModel, type Finding } from '../domain/analyze-image';

const NAME = 'automed.analysis.v1.AnalysisService';

export interface AnalysisDeps<Model extends AnyModel> {
  analyzer: Analyzer<Model>;
  intake: ImageIntake;
  log: Logger;
}

export function analysisService<Model extends AnyModel>(deps: AnalysisDeps<Model>): ServiceRegistration {
  const Analyze = unary(deps.log, async (request: AnalyzeRequest__Output, context) => {
    const started = performance.now();
    const command = toCommand(request, context);
    context.setModel(command.references.join(','));
    const { findings, encoderPassCount, baseCount } = await analyzeImage(deps.analyzer, command, deps.intake);
    const totalMs = performance.now() - started;
    return { findings: findings.map((finding) => toMessage(finding, totalMs)), encoderPassCount, baseCount };
  });
  return { name: NAME, definition: serviceDefinition(NAME), implementation: { Analyze } };
}

function toCommand(request: AnalyzeRequest__Output, context: CallContext): AnalyzeCommand {
  const priority = checkPriority(request.priority);
  return {
    image: request.image,
    references: [request.model, ...request.additionalModels],
    encoding: toEncoding(request.maskFormat),
    options: () => ({ priority, timeoutMs: context.remainingMs(), signal: context.signal }),
  };
}

function toMessage(finding: Finding, totalMs: number): FindingMessage {
  return finding.task === 'segmentation'
    ? { segmentation: toSegmentResponse(finding.answer, totalMs) }
    : { classification: toClassifyResponse(finding.answer, totalMs) };
}
