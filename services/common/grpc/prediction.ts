import { bidi, unary, type CallContext } from './handlers';
import { serveSeries, type SeriesAnswer, type SeriesRequest } from './series';
import type { Lease, LeasedModels, ModelIdentity } from '../inference';
import type { Logger } from '../logging';

interface PredictionDeps<Model> {
  models: LeasedModels<Model>;
  log: Logger;
  /** Images of one stream under way at once. */
  streamImagesInFlight: number;
}

/** What a service does for one image. */
interface Prediction<Request, Command, Model, Response> {
  /** All of a request that can be checked without its model. @throws InvalidInputError that names the field */
  prepare(request: Request, context: CallContext): Promise<Command>;
  /** @param started when the request came, by performance.now() */
  answer(model: Model, command: Command, started: number): Promise<Response>;
}

/** The two methods of a service that answers one image with one model: a single image, and a stream of them. */
export function predictionMethods<
  Request extends SeriesRequest,
  Command,
  Model extends { identity: ModelIdentity },
  Response,
>(
  { models, log, streamImagesInFlight }: PredictionDeps<Model>,
  prediction: Prediction<Request, Command, Model, Response>,
) {
  const identify = ({ identity: { name, version } }: Model): string => `${name}@${version}`;
  const acquire = async (reference: string, context: CallContext): Promise<Lease<Model>> => {
    const lease = await models.acquire(reference);
    context.setModel(identify(lease.model));
    return lease;
  };
  return {
    one: unary(log, async (request: Request, context) => {
      const started = performance.now();
      const command = await prediction.prepare(request, context);
      const lease = await acquire(request.model, context);
      return prediction.answer(lease.model, command, started).finally(() => lease.release());
    }),
    stream: bidi<Request, SeriesAnswer<Response>>(log, (call, context) =>
      serveSeries(call, context, {
        maxInFlight: streamImagesInFlight,
        prepare: (request) => prediction.prepare(request, context),
        acquire: (reference) => acquire(reference, context),
        identify,
        answer: (model, command) => prediction.answer(model, command, performance.now()),
      }),
    ),
  };
}
