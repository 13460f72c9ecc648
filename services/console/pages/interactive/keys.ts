// Prompts by keyboard; the viewer's own keys follow.

import { t } from '../../../console-kit/texts/en';
import { ARROWS, pointBy } from '../../../console-kit/viewer/crosshair';
import type { ViewerState } from '../../../console-kit/viewer/state';
import type { PromptMarker, PromptTool } from './markers';
import type { Session } from './session';

const moved = (state: ViewerState, marker: PromptMarker, by: readonly [number, number]): void =>
  marker.point(pointBy(state, marker.crosshair.peek(), by));

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
  } else if (arrow) moved(state, marker, arrow);
  else if (key === ' ') {
    if (!marker.crosshair.peek() && state.picture.peek()) moved(state, marker, [0, 0]);
    marker.press();
  } else if (key === 'x') marker.negative.value = !marker.negative.peek();
  else if (key === 'enter') session.finish(t.interactive.objectName(session.work.peek().objects.length + 1));
  else if (key === 'backspace') session.removePrompt(session.work.peek().prompts.length - 1);
  else return false;
  event.preventDefault();
  return true;
}
