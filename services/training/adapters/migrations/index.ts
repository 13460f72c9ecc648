import { datasetMigrations } from './datasets';
import { jobMigrations } from './jobs';
import type { Migration } from '../../../common/database';
import { promotionMigrations } from './promotions';
import { reviewMigrations } from './reviews';

/** Every area's steps; those of one area are applied in their order. */
export const MIGRATIONS: readonly Migration[] = [
  ...jobMigrations,
  ...promotionMigrations,
  ...datasetMigrations,
  ...reviewMigrations,
];
