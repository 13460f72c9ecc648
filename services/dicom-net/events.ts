import { NEventReportResponse, type EventArguments } from './library';

const SUCCESS = 0x0000;
const PROCESSING_FAILURE = 0x0110;

/** Answers an event that was reported. @param take whether somebody wanted it */
export function answerEvent(
  take: (elements: Record<string, unknown>) => boolean,
  ...[request, answer]: EventArguments
): void {
  const response = NEventReportResponse.fromRequest(request);
  const isTaken = take(request.getDataset()?.getElements() ?? {});
  response.setStatus(isTaken ? SUCCESS : PROCESSING_FAILURE);
  answer(response);
}
