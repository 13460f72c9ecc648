import type { Channel } from '@grpc/grpc-js';
import { openChannel } from '../common/grpc/client';
import type { ClientOptions } from './core/options';
import { AnalysisClient } from './services/analysis';
import { BasesClient } from './services/bases';
import { ClassificationClient } from './services/classification';
import { DatasetsClient } from './services/datasets';
import { EvaluationsClient } from './services/evaluations';
import { GatewayClient } from './services/gateway';
import { HealthClient } from './services/health';
import { InteractiveSegmentationClient } from './services/interactive';
import { ModelsClient } from './services/models';
import { PacsClient } from './services/pacs';
import { PromotionsClient } from './services/promotions';
import { ReportsClient } from './services/reports';
import { ReviewsClient } from './services/reviews';
import { SegmentationClient } from './services/segmentation';
import { TrainingJobsClient } from './services/training-jobs';

/**
 * Everything that a gateway serves, over one connection.
 *
 * - Failures are subclasses of AutomedError with `code`, `field` and `retryAfterMs`.
 * - A call is repeated where its error says that trying again may help and it does no harm when made twice; all tries
 *   share its time limit.
 * - Lists and streams are async iterators; leaving the loop ends the call.
 */
export class AutomedClient {
  readonly segmentation: SegmentationClient;
  readonly interactive: InteractiveSegmentationClient;
  readonly classification: ClassificationClient;
  readonly analysis: AnalysisClient;
  readonly models: ModelsClient;
  readonly bases: BasesClient;
  readonly datasets: DatasetsClient;
  readonly trainingJobs: TrainingJobsClient;
  readonly evaluations: EvaluationsClient;
  readonly pacs: PacsClient;
  readonly promotions: PromotionsClient;
  readonly reports: ReportsClient;
  readonly reviews: ReviewsClient;
  readonly gateway: GatewayClient;
  readonly health: HealthClient;
  private readonly channel: Channel;

  /**
   * Connects at the first call.
   * @param address `host:port` of a gateway, or of one service
   * @throws InvalidInputError for a time limit or number of attempts out of range
   */
  constructor(address: string, options: ClientOptions = {}) {
    const { credentials, maxMessageBytes } = options;
    const limit = maxMessageBytes === undefined ? {} : { maxMessageBytes };
    this.channel = openChannel(address, { credentials, ...limit });
    this.segmentation = new SegmentationClient(this.channel, options);
    this.interactive = new InteractiveSegmentationClient(this.channel, options);
    this.classification = new ClassificationClient(this.channel, options);
    this.analysis = new AnalysisClient(this.channel, options);
    this.models = new ModelsClient(this.channel, options);
    this.bases = new BasesClient(this.channel, options);
    this.datasets = new DatasetsClient(this.channel, options);
    this.trainingJobs = new TrainingJobsClient(this.channel, options);
    this.evaluations = new EvaluationsClient(this.channel, options);
    this.pacs = new PacsClient(this.channel, options);
    this.promotions = new PromotionsClient(this.channel, options);
    this.reports = new ReportsClient(this.channel, options);
    this.reviews = new ReviewsClient(this.channel, options);
    this.gateway = new GatewayClient(this.channel, options);
    this.health = new HealthClient(this.channel, options);
  }

  /** Closes the connection; calls under way end with an error. */
  close(): void {
    this.channel.close();
  }
}
