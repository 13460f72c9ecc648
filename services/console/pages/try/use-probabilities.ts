import { useEffect } from 'preact/hooks';
import { fromBase64 } from '../../../console-kit/api/bytes';
import { reference, segmentWithProbabilities } from '../../../console-kit/api/models';
import type { Finding, Mask } from '../../../console-kit/api/types';
import { decodeImage } from '../../../console-kit/files/browser-image';
import type { Probabilities } from '../../../console-kit/viewer/layer';
import type { ViewerState } from '../../../console-kit/viewer/state';
import { currentFile } from '../../workspace/current-file';
import { imageOf } from '../../workspace/image-of';

/** Of grey pixels that the browser has as RGBA. */
async function probabilitiesOf({ probabilityPng = '' }: Mask): Promise<Probabilities | undefined> {
  const picture = await decodeImage(fromBase64(probabilityPng));
  if (picture.kind !== 'color') return undefined;
  const { rgba, width, height } = picture;
  return { values: rgba.filter((_, at) => at % 4 === 0), width, height };
}

/**
 * Fetches how probable each pixel is, once the masks are shown: the server still has the image's embedding. Without them the cursor
 * says what is drawn, and no more.
 */
export function useProbabilities(state: ViewerState, findings: readonly Finding[]): void {
  useEffect(() => {
    const file = currentFile.peek();
    const controller = new AbortController();
    const ask = async ({ segmentation }: Finding): Promise<void> => {
      if (!segmentation || !file) return;
      const { model } = segmentation;
      const image = imageOf(file, state.frame.peek());
      const { masks = [] } = await segmentWithProbabilities(reference(model), image, controller);
      for (const mask of masks) {
        const probabilities = await probabilitiesOf(mask);
        if (controller.signal.aborted) return;
        const id = `${model.name}/${mask.structure}`;
        state.layers.value = state.layers.value.map((layer) => (layer.id === id ? { ...layer, probabilities } : layer));
      }
    };
    // What fails leaves the cursor as it was: the masks themselves are there.
    for (const finding of findings) ask(finding).catch(() => undefined);
    return () => controller.abort();
  }, [findings]);
}
