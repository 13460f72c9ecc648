// Prompts by keyboard; the viewer's own keys follow.

import { t } from '../../../console-kit/texts/en';
import type { ViewerState } from '../../../console-kit/viewer/state';
import type { PromptMarker, PromptTool } from './markers';
import type { Session } from './session';

/** One press moves the crosshair so far, CSS pixels. */
const STEP_PX = 10;
const ARROWS: Readonly<Record<string, readonly [x: number, y: number]>> = {
  arrowleft: [-1, 0],
  arrowright: [1, 0],
  arrowup: [0, -1],
  arrowdown: [0, 1],
};

/** Moves the crosshair; it begins in the middle of the image. */
function pointBy(state: ViewerState, marker: PromptMarker, [x, y]: readonly [number, number]): void {
  const picture = state.picture.peek();
  if (!picture) return;
  const from = marker.crosshair.peek() ?? { x: picture.width / 2, y: picture.height / 2 };
  const step = STEP_PX / state.zoom.peek();
  const within = (value: number, most: number): number => Math.min(Math.max(value, 0), most);
  const to = { x: within(from.x + x * step, picture.width), y: within(from.y + y * step, picture.height) };
  state.cursor.value = to;
  marker.point(to);
}

const TOOLS: Readonly<Record<string, PromptTool>> = { p: 'point', b: 'box', s: 'scribble' };

/** @returns whether the key meant something */
export function onPromptKey(event: KeyboardEvent, state: ViewerState, marker: PromptMarker, session: Session): boolean {
  const key = event.key.toLowerCase();
  if (event.ctrlKey || event.metaKey) {
    if (key !== 'z' && key !== 'y') return false;
    if (key === 'y' || event.shiftKey) session.redo();
    else session.undo();
    event.preventDefault();
    return true;
  }
  const arrow = event.shiftKey ? ARROWS[key] : undefined;
  const tool = TOOLS[key];
  if (tool) {
    marker.tool.value = tool;
    state.tool.value = 'mark';
  } else if (arrow) pointBy(state, marker, arrow);
  else if (key === ' ') {
    if (!marker.crosshair.peek()) pointBy(state, marker, [0, 0]);
    marker.press();
  } else if (key === 'x') marker.negative.value = !marker.negative.peek();
  else if (key === 'enter') session.finish(t.interactive.objectName(session.work.peek().objects.length + 1));
  else if (key === 'backspace') session.removePrompt(session.work.peek().prompts.length - 1);
  else return false;
  event.preventDefault();
  return true;
}
