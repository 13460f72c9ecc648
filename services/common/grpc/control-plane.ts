/** The services that the training program hosts, as patterns of the gateway's routes. */
export const CONTROL_PLANE_SERVICES: readonly string[] = [
  'automed.training.v1.*',
  'automed.bases.v1.*',
  'automed.datasets.v1.*',
  'automed.evaluations.v1.*',
  'automed.reports.v1.*',
  'automed.reviews.v1.*',
  'automed.models.v1.PromotionService',
];
