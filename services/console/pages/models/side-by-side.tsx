import { useEffect, useLayoutEffect, useState } from 'preact/hooks';
import { analyze } from '../../../console-kit/api/models';
import type { Mask } from '../../../console-kit/api/types';
import { Busy, Problem } from '../../../console-kit/parts/notice';
import { useLoad } from '../../../console-kit/parts/use-load';
import { t } from '../../../console-kit/texts/en';
import { COLOURS } from '../../../console-kit/viewer/layer';
import { ViewerState } from '../../../console-kit/viewer/state';
import { Viewer } from '../../../console-kit/viewer/viewer';
import { currentFile, showCurrentFile } from '../../workspace/current-file';
import { DropTarget, EmptyViewer } from '../../workspace/drop-target';
import { imageOf } from '../../workspace/image-of';
import { differenceLayers, drawSplit, type Split } from './difference';

const state = new ViewerState();
const SPLITS: readonly Split[] = ['difference', 'slider'];

interface SplitSliderProps {
  names: readonly [string, string];
  /** Of the image's width, `[0, 1]`. */
  at: number;
  setAt: (at: number) => void;
}

/** Masks of two models on one image: a difference map, or a slider between them. */
export function SideBySide({ names }: { names: readonly [string, string] }) {
  useEffect(() => showCurrentFile(state), []);
  const [split, setSplit] = useState<Split>('difference');
  const [at, setAt] = useState(0.5);
  const [file, frame] = [currentFile.value, state.frame.value];
  const {
    value: loaded,
    error,
    reload,
  } = useLoad(
    async (signal) => file && { file, frame, masks: masksOf(await analyze(names, imageOf(file, frame), { signal })) },
    [file, frame, names.join()],
  );
  // What is still there of another frame belongs to that one.
  const current = loaded?.file === file && loaded?.frame === frame ? loaded : undefined;
  const masks = current?.masks;
  useLayoutEffect(() => {
    state.layers.value = masks ? differenceLayers(masks, names, split, at) : [];
    state.overlay.value = masks && split === 'slider' ? drawSplit(masks[0], at) : undefined;
  }, [masks, split, at]);
  return (
    <div class="stack">
      <div class="row">
        {SPLITS.map((each) => (
          <label class="inline" key={each}>
            <input type="radio" name="split" checked={split === each} onChange={() => setSplit(each)} />
            <span>{t.models.splits[each]}</span>
          </label>
        ))}
        {split === 'slider' ? <SplitSlider names={names} at={at} setAt={setAt} /> : null}
      </div>
      {error === undefined ? null : <Problem error={error} retry={reload} />}
      {file && !current && error === undefined ? <Busy>{t.try.analyzing}</Busy> : null}
      <DropTarget>
        <div class="framed-viewer">
          <Viewer state={state} empty={<EmptyViewer />} />
        </div>
      </DropTarget>
      <ul class="legend">
        {state.layers.value.map(({ id, name, colour }) => (
          <li key={id}>
            <span class="dot" style={{ background: colour }} /> {name}
          </li>
        ))}
      </ul>
    </div>
  );
}

/** The ends say whose masks lie on their side of the line. */
function SplitSlider({ names, at, setAt }: SplitSliderProps) {
  return (
    <span class="inline split">
      <span class="dot" style={{ background: COLOURS[0] }} />
      <span>{t.models.splits.left(names[0])}</span>
      <input
        type="range"
        min="0"
        max="1"
        step="0.01"
        value={at}
        aria-label={t.models.splits.slider}
        aria-valuetext={t.models.splits.place(t.units.percent(at))}
        onInput={(event) => setAt(Number(event.currentTarget.value))}
      />
      <span class="dot" style={{ background: COLOURS[1] }} />
      <span>{t.models.splits.right(names[1])}</span>
    </span>
  );
}

function masksOf(findings: Awaited<ReturnType<typeof analyze>>): readonly [Mask, Mask] | undefined {
  const [a, b] = findings.map(({ segmentation }) => segmentation?.masks?.[0]);
  return a && b ? [a, b] : undefined;
}
