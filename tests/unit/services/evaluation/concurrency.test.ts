import { setImmediate as turn } from 'node:timers/promises';
import { mapLimited } from '../../../../services/evaluation/concurrency';

describe('mapLimited', () => {
  it('keeps the order of the items and never has more calls in flight than the limit', async () => {
    let inFlight = 0;
    let most = 0;
    const results = await mapLimited([5, 1, 4, 2, 3], 2, async (turns) => {
      inFlight += 1;
      most = Math.max(most, inFlight);
      for (let count = 0; count < turns; count += 1) await turn();
      inFlight -= 1;
      return turns * 10;
    });
    expect(results).toEqual([50, 10, 40, 20, 30]);
    expect(most).toBe(2);
  });

  it('rejects with the first failure', async () => {
    await expect(mapLimited([1], 2, () => Promise.reject(new Error('broken')))).rejects.toThrow('broken');
  });
});
