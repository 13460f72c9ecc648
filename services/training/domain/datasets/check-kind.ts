import { z } from 'zod';
import { datasetSourceSchema } from '../../../datasets/samples/data-selection';
import type { JobKind } from '../jobs/kinds';
import { digestsPath } from '../../../checks/digests';
import { cacheFolder } from '../../../datasets/files/object-store';

export const DATASET_CHECK = 'dataset_check';

const specSchema = z.strictObject({ name: z.string(), version: z.int().min(1), source: datasetSourceSchema });

export type DatasetCheckSpec = z.infer<typeof specSchema>;

/** The check of a data set as an entry of the queue. */
export const datasetCheckKind: JobKind<DatasetCheckSpec> = {
  name: DATASET_CHECK,
  noun: 'check of a data set',
  spec: specSchema,
  command: ({ name, version, source }, { store }) => ({
    type: 'checkDataset',
    spec: {
      source,
      digests: digestsPath(store, name, version),
      cache: cacheFolder(store, name, version),
    },
  }),
};
