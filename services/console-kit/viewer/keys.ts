// The viewer by keyboard.

import type { ViewerState } from './state';

const PAN_PX = 40;
const ZOOM = 1.2;
const WINDOW_PX = 20;

const KEYS: Readonly<Record<string, (state: ViewerState) => void>> = {
  '+': (state) => state.zoomBy(ZOOM),
  '=': (state) => state.zoomBy(ZOOM),
  '-': (state) => state.zoomBy(1 / ZOOM),
  '0': (state) => state.fit(),
  '1': (state) => state.actualSize(),
  ArrowLeft: (state) => state.panBy(PAN_PX, 0),
  ArrowRight: (state) => state.panBy(-PAN_PX, 0),
  ArrowUp: (state) => state.panBy(0, PAN_PX),
  ArrowDown: (state) => state.panBy(0, -PAN_PX),
  i: (state) => (state.negative.value = !state.negative.value),
  o: (state) => (state.outlines.value = !state.outlines.value),
  w: (state) => (state.tool.value = 'window'),
  h: (state) => (state.tool.value = 'pan'),
  '[': (state) => state.windowBy(-WINDOW_PX, 0),
  ']': (state) => state.windowBy(WINDOW_PX, 0),
  '{': (state) => state.windowBy(0, -WINDOW_PX),
  '}': (state) => state.windowBy(0, WINDOW_PX),
  PageUp: (state) => state.stepFrame(-1),
  PageDown: (state) => state.stepFrame(1),
};

/** Acts on a key of the canvas. @returns whether it meant something */
export function onViewerKey(event: KeyboardEvent, state: ViewerState): boolean {
  if (event.ctrlKey || event.metaKey || event.altKey) return false;
  const action = KEYS[event.key];
  if (!action) return false;
  action(state);
  event.preventDefault();
  return true;
}
