// Work of which a later revision of its series has taken the place: where it fails, or its process ends, it is not begun again.

/** Whether an analysis, a row of `jobs`, was overtaken. */
const laterThan = (job: string): string =>
  `EXISTS (SELECT 1 FROM jobs AS later WHERE later.series = ${job}.series AND later.rule = ${job}.rule
     AND later.revision > ${job}.revision)`;

/** Conditions on a row of `jobs` or `deliveries`. */
export const OVERTAKEN = {
  jobs: laterThan('jobs'),
  deliveries: `EXISTS (SELECT 1 FROM results JOIN jobs AS own ON own.number = results.job
    WHERE results.number = deliveries.result AND ${laterThan('own')})`,
};
