import { useEffect, useLayoutEffect, useState } from 'preact/hooks';
import { analyze } from '../../../console-kit/api/models';
import { isAborted } from '../../../console-kit/api/call';
import type { Finding } from '../../../console-kit/api/types';
import { currentFile } from '../../workspace/current-file';
import { imageOf } from '../../workspace/image-of';
import { colourOf, layerOf, type Layer } from '../../../console-kit/viewer/layer';
import type { ViewerState } from '../../../console-kit/viewer/state';

export interface Analysis {
  findings: readonly Finding[];
  busy: boolean;
  error: unknown;
  /** Of the whole call as this page saw it, milliseconds. */
  tookMs: number;
  again: () => void;
}

type Outcome = Omit<Analysis, 'again'>;
const NOTHING: Outcome = { findings: [], busy: false, error: undefined, tookMs: 0 };
/** Playing frames asks for the one where it stops. */
const SETTLE_MS = 150;

/** Asks the models about the frame that is shown, whenever file, frame or models change. */
export function useAnalysis(state: ViewerState, models: readonly string[]): Analysis {
  const [outcome, setOutcome] = useState(NOTHING);
  const [turn, setTurn] = useState(0);
  const [file, frame] = [currentFile.value, state.frame.value];
  // Before the new picture is painted: masks of one frame never lie on another.
  useLayoutEffect(() => {
    setOutcome(NOTHING);
    state.layers.value = [];
  }, [file, frame]);
  useEffect(() => {
    if (!file || models.length === 0) {
      setOutcome(NOTHING);
      state.layers.value = [];
      return undefined;
    }
    const controller = new AbortController();
    setOutcome((before) => ({ ...before, busy: true, error: undefined }));
    const run = async (): Promise<void> => {
      const begun = performance.now();
      const findings = await analyze(models, imageOf(file, frame), { signal: controller.signal });
      if (controller.signal.aborted) return;
      state.layers.value = layersOf(findings);
      setOutcome({ findings, busy: false, error: undefined, tookMs: performance.now() - begun });
    };
    const timer = setTimeout(
      () =>
        void run().catch((error: unknown) => {
          if (controller.signal.aborted || isAborted(error)) return;
          setOutcome({ ...NOTHING, error });
          state.layers.value = [];
        }),
      frame === 1 ? 0 : SETTLE_MS,
    );
    return () => {
      clearTimeout(timer);
      controller.abort();
    };
  }, [file, frame, models.join(' '), turn]);
  return { ...outcome, again: () => setTurn((before) => before + 1) };
}

function layersOf(findings: readonly Finding[]): Layer[] {
  const masks = findings.flatMap(({ segmentation }) =>
    (segmentation?.masks ?? []).map((mask) => ({ mask, model: segmentation?.model.name ?? '' })),
  );
  return masks.map(({ mask, model }, position) =>
    layerOf(mask, `${model}/${mask.structure}`, mask.structure ?? model, colourOf(position)),
  );
}
