import { useEffect, useState } from 'preact/hooks';
import { ToolButton } from '../parts/tool-button';
import { t } from '../texts/en';
import type { ViewerState } from './state';

const FRAMES_PER_SECOND = 12;

/** Frames of a multi-frame file: a slider, and playing them. */
export function Cine({ state }: { state: ViewerState }) {
  const [playing, setPlaying] = useState(false);
  const count = state.frameCount.value;
  useEffect(() => {
    if (!playing || count < 2) return undefined;
    const timer = setInterval(() => state.stepFrame(1), 1000 / FRAMES_PER_SECOND);
    return () => clearInterval(timer);
  }, [playing, count, state]);
  if (count < 2) return null;
  return (
    <span class="toolbar-group cine">
      <ToolButton
        icon={playing ? 'pause' : 'play'}
        label={playing ? t.viewer.stop : t.viewer.play}
        pressed={playing}
        onClick={() => setPlaying(!playing)}
      />
      <input
        type="range"
        min="1"
        max={count}
        value={state.frame.value}
        aria-label={t.viewer.frame}
        onInput={(event) => (state.frame.value = Number(event.currentTarget.value))}
      />
      <output>{`${state.frame.value} / ${count}`}</output>
    </span>
  );
}
