import type { DataReport } from './check-data';
import type { Statistics } from './statistics';

/** What a check came to. */
export interface DatasetReport extends DataReport {
  layout: string;
  statistics: Statistics;
}
