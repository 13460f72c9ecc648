import type { AnalyzeRequest__Output } from '../../../proto/gen/automed/analysis/v1/AnalyzeRequest';
import type { RenderImageRequest__Output } from '../../../proto/gen/automed/analysis/v1/RenderImageRequest';
import type { Finding as FindingMessage } from '../../../proto/gen/automed/analysis/v1/Finding';
import { toResponse as toClassifyResponse } from '../../classification/handlers/messages';
import { unary, type CallContext, type ServiceRegistration } from '../../common/grpc/handlers';
import { serviceDefinition } from '../../common/grpc/proto';
import type { Logger } from '../../common/logging';
import { runOptions } from '../../common/grpc/run-options';
import { pixelsPng } from '../../imaging/display-png';
import { openImage, useImage, type ImageIntake } from '../../imaging/image-input';
import { toEncoding, toResponse as toSegmentResponse } from '../../segmentation/handlers/messages';
import {
  analyzeImage,
  checkReferences,
  type AnalyzeCommand,
  type Analyzer,
  type AnyModel,
  type Finding,
} from '../domain/analyze-image';

/** A picture takes a byte for each of them and each pixel, which is how memory of masks is counted. */
const PICTURE_CHANNELS = 3;
const NAME = 'automed.analysis.v1.AnalysisService';

export interface AnalysisDeps<Model extends AnyModel> {
  analyzer: Analyzer<Model>;
  intake: ImageIntake;
  log: Logger;
}

export function analysisService<Model extends AnyModel>(deps: AnalysisDeps<Model>): ServiceRegistration {
  const Analyze = unary(deps.log, async (request: AnalyzeRequest__Output, context) => {
    const started = performance.now();
    context.setModel([request.model, ...request.additionalModels].join(','));
    const command = await toCommand(request, deps.intake, context);
    const { findings, encoderPassCount, baseCount } = await analyzeImage(deps.analyzer, command, deps.intake.memory);
    const totalMs = performance.now() - started;
    return { findings: findings.map((finding) => toMessage(finding, totalMs)), encoderPassCount, baseCount };
  });
  const RenderImage = unary(deps.log, async ({ image }: RenderImageRequest__Output, context) => {
    const opened = await openImage(image, deps.intake);
    const admission = { masks: PICTURE_CHANNELS, wait: runOptions(0, context) };
    const png = await useImage(opened, deps.intake.memory, admission, ({ pixels }) => pixelsPng(pixels));
    return { png };
  });
  return { name: NAME, definition: serviceDefinition(NAME), implementation: { Analyze, RenderImage } };
}

/** All of a request that can be checked without its models. @throws InvalidInputError that names the field */
async function toCommand(
  request: AnalyzeRequest__Output,
  intake: ImageIntake,
  context: CallContext,
): Promise<AnalyzeCommand> {
  const references = checkReferences([request.model, ...request.additionalModels]);
  const encoding = toEncoding(request.maskFormat);
  const options = runOptions(request.priority, context);
  return {
    image: await openImage(request.image, intake),
    references,
    encoding,
    options,
  };
}

function toMessage(finding: Finding, totalMs: number): FindingMessage {
  return finding.task === 'segmentation'
    ? { segmentation: toSegmentResponse(finding.answer, totalMs) }
    : { classification: toClassifyResponse(finding.answer, totalMs) };
}
