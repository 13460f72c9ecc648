import { useComputed } from '@preact/signals';
import { t } from '../texts/en';
import { underCursor } from './layer';
import { valueAt } from './picture';
import type { ViewerState } from './state';

/** What is under the cursor, and how it is shown. */
export function Readout({ state }: { state: ViewerState }) {
  const text = useComputed(() => {
    const [picture, cursor] = [state.picture.value, state.cursor.value];
    if (!picture) return { at: '', under: '', shown: '' };
    const { center, width } = state.window.value;
    const shown = `${picture.width} × ${picture.height} · ${Math.round(state.zoom.value * 100)} % · W ${Math.round(width)} L ${Math.round(center)}`;
    if (!cursor) return { at: '', under: '', shown };
    const [x, y] = [Math.floor(cursor.x), Math.floor(cursor.y)];
    const value = valueAt(picture, x, y);
    const under = underCursor(state.layers.value, x, y);
    return { at: value === '' ? '' : `${t.viewer.position(x, y)} · ${value}`, under: under.join(', '), shown };
  });
  const { at, under, shown } = text.value;
  return (
    <div class="readout">
      <span>{at}</span>
      <span class="readout-under">{under}</span>
      <span>{shown}</span>
    </div>
  );
}
