import { DEFAULTS, KNOBS, wordOf, type Family } from '../../../../../services/console/pages/jobs/knobs';
import { recipeFor } from '../../../../../services/worker/protocol/recipes';

test.each(['segmentation', 'classification', 'interactive'] as Family[])(
  'the form tells what the default recipe of %s has',
  (family) => {
    const recipe = recipeFor(family);
    for (const { key } of KNOBS) {
      const told = DEFAULTS[family][key];
      const word = typeof told === 'string' ? wordOf(told).replace(' ', '-') : told;
      expect({ key, told: word }).toEqual({ key, told: recipe[key] });
    }
  },
);
