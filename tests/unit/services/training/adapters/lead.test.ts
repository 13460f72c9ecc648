// What a training service leaves in the folder of its store when it leads.

import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createLogger } from '../../../../../services/common/logging';
import { ELSEWHERE_MARK } from '../../../../../services/store';
import { lead } from '../../../../../services/training/adapters/lead';
import { temporaryFolder } from '../../../../support/data';

const home = temporaryFolder();

it('jobs that are back in the folder are no longer marked as elsewhere', async () => {
  writeFileSync(join(home, ELSEWHERE_MARK), '');
  const config = { home, trainingStandby: false, healthAddress: 'off' };
  const { release } = await lead(config, createLogger('training', 'fatal'));
  release();
  expect(existsSync(join(home, ELSEWHERE_MARK))).toBe(false);
});
