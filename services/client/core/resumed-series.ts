import { Breaks, type ResumeOptions } from './breaks';
import type { Resumable } from './resumed';
import { Unanswered } from './unanswered';

/** Shorter than of other streams: an image on which a server dies is sent again each time. */
const DEFAULT_PATIENCE_MS = 30_000;

/** What is sent on a stream that can be resumed. */
export interface SeriesRequest {
  model?: string | undefined;
  image?: unknown;
  resumeToken?: string | undefined;
}

export interface SeriesOptions extends ResumeOptions {
  /** Whether requests are on the last image that was sent, as those of a session. */
  onLastImage?: boolean | undefined;
}

/**
 * Sends a series and yields each answer once: where the stream breaks, another one goes on at the first request without an answer.
 * One that breaks while nothing waits is opened again for the next request.
 * @param open opens a stream, and calls `heard` at heartbeats
 */
export async function* resumedSeries<Request extends SeriesRequest, Answer extends Resumable & { index: number }>(
  open: (requests: AsyncIterable<Request>, heard: () => void) => AsyncGenerator<Answer>,
  requests: Iterable<Request> | AsyncIterable<Request>,
  { onLastImage = false, ...options }: SeriesOptions = {},
): AsyncGenerator<Answer> {
  const breaks = new Breaks(options.patienceMs ?? DEFAULT_PATIENCE_MS, options);
  const unanswered = new Unanswered(requests);
  const carried: SeriesRequest = {};
  let token = '';
  let answers = 0;
  /** The first request of another stream says what the first of the one before had said. */
  const begin = (request: Request): Request => {
    if (token === '') return request;
    const image = onLastImage ? (request.image ?? carried.image) : request.image;
    return { ...request, model: named(request.model) ?? carried.model, image, resumeToken: token };
  };
  try {
    while (await unanswered.hasNext()) {
      try {
        for await (const answer of open(unanswered.all(begin), () => breaks.heard(false))) {
          breaks.heard(true);
          answers += 1;
          token = answer.resumeToken;
          for (const { model, image } of unanswered.answered(answer.index)) {
            carried.model ??= named(model);
            carried.image = onLastImage ? (image ?? carried.image) : undefined;
          }
          yield answer;
        }
        return;
      } catch (error) {
        if (unanswered.failed) throw unanswered.failed.reason;
        await breaks.after(error, token !== '' || answers === 0);
      }
    }
  } finally {
    unanswered.close();
  }
}

const named = (model: string | undefined): string | undefined => (model === '' ? undefined : model);
