import { NotFoundError } from '../../../services/common/errors';
import { percentile } from '../../../services/terminal/statistics';
import { segmentationClient } from '../../support/api-clients';
import { DelayProxy } from './delay-proxy';
import { pictures } from './pictures';

const ONE_WAY_MS = 5;
const CALLS = 40;
/** Of a picture whose PNG has 200 kB. */
const SIDE = 324;

/**
 * What a round trip of 10 ms adds to a call, beyond itself: HTTP/2 windows that are too small add one for each 64 KB. No model
 * has the name that is asked for, so that nothing else takes time once the image is there.
 */
export async function measureDistance(address: string): Promise<{ upload_bytes: number; added_at_10_ms_rtt: number }> {
  const images = await pictures('png', 4, SIDE);
  const proxy = await DelayProxy.start(address, ONE_WAY_MS);
  const [near, far] = [segmentationClient(address), segmentationClient(proxy.address)];
  try {
    const added: number[] = [];
    for (let call = 0; call < CALLS; call += 1) {
      const request = { model: 'nobody', image: { encoded: images[call % images.length]! } };
      const timed = async (client: typeof near): Promise<number> => {
        const begun = performance.now();
        await client.unary('Segment', request).catch((error: unknown) => {
          if (!(error instanceof NotFoundError)) throw error;
        });
        return performance.now() - begun;
      };
      added.push(-(await timed(near)) + (await timed(far)));
    }
    return { upload_bytes: images[0]?.length ?? 0, added_at_10_ms_rtt: percentile(added, 0.5) - 2 * ONE_WAY_MS };
  } finally {
    near.close();
    far.close();
    proxy.close();
  }
}
