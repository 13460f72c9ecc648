import { useEffect, useState } from 'preact/hooks';
import { classify } from '../../../console-kit/api/models';
import { isAborted } from '../../../console-kit/api/call';
import { heatOf } from '../../../console-kit/viewer/heat';
import type { ViewerState } from '../../../console-kit/viewer/state';
import { currentFile } from '../../workspace/current-file';
import { imageOf } from '../../workspace/image-of';

/** A class of a model, `name@version`. */
export interface ShownClass {
  model: string;
  className: string;
}

export interface SaliencyView {
  shown: ShownClass | undefined;
  error: unknown;
  /** Shows where the evidence for a class was found, or nothing any more. */
  show: (wish: ShownClass | undefined) => void;
}

/** Lays over the image where a model found the evidence for a class; another frame, file or choice of models ends it. */
export function useSaliency(state: ViewerState, models: readonly string[]): SaliencyView {
  const [shown, show] = useState<ShownClass | undefined>(undefined);
  const [error, setError] = useState<unknown>(undefined);
  const [file, frame] = [currentFile.value, state.frame.value];
  useEffect(() => show(undefined), [file, frame, models.join(' ')]);
  useEffect(() => {
    state.overlay.value = undefined;
    setError(undefined);
    const picture = state.picture.peek();
    if (!shown || !file || !picture) return undefined;
    const controller = new AbortController();
    classify(shown.model, imageOf(file, frame), { saliency: { className: shown.className } }, controller).then(
      ({ saliency }) => {
        if (saliency && !controller.signal.aborted) state.overlay.value = heatOf(saliency, picture);
      },
      (failure: unknown) => {
        if (!isAborted(failure)) setError(failure);
      },
    );
    return () => {
      controller.abort();
      state.overlay.value = undefined;
    };
  }, [shown]);
  return { shown, error, show };
}
