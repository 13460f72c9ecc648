// The review queue by keyboard alone.

import { ARROWS, pointBy } from '../../../console-kit/viewer/crosshair';
import type { AmendTool } from './amend-marker';
import type { Desk } from './desk';

const TOOLS: Readonly<Record<string, AmendTool>> = { b: 'brush', l: 'polygon', p: 'point', m: 'box' };

/** @returns whether the key meant something */
export function onReviewKey(event: KeyboardEvent, desk: Desk): boolean {
  const key = event.key.toLowerCase();
  const meant = desk.step.peek() === 'amend' ? onAmendKey(event, key, desk) : onLookKey(event, key, desk);
  if (meant) event.preventDefault();
  return meant;
}

function onLookKey({ ctrlKey, metaKey }: KeyboardEvent, key: string, desk: Desk): boolean {
  if (ctrlKey || metaKey) return false;
  if (key === 'a') desk.accept();
  else if (key === 'r') desk.step.value = 'reject';
  else if (key === 'e') desk.amend();
  else if (key === 'j') void desk.show(desk.at.peek() + 1);
  else if (key === 'k') void desk.show(desk.at.peek() - 1);
  else return false;
  return true;
}

function onAmendKey(event: KeyboardEvent, key: string, desk: Desk): boolean {
  const { editor, marker, viewer } = desk;
  if (event.ctrlKey || event.metaKey) {
    if (key !== 'z' && key !== 'y') return false;
    if (key === 'y' || event.shiftKey) editor.redo();
    else editor.undo();
    return true;
  }
  const arrow = event.shiftKey ? ARROWS[key] : undefined;
  const tool = TOOLS[key];
  if (tool) {
    marker.choose(tool);
    viewer.tool.value = 'mark';
  } else if (arrow) marker.point(pointBy(viewer, marker.crosshair.peek(), arrow));
  else if (key === ' ') {
    marker.crosshair.value ??= pointBy(viewer, undefined, [0, 0]);
    marker.press();
  } else if (key === 'x') marker.erase.value = !marker.erase.peek();
  else if (key === ',') marker.grow(1 / 1.25);
  else if (key === '.') marker.grow(1.25);
  else if (key === 't') editor.nextStructure();
  else if (key === 'escape') desk.look();
  else if (key === 'enter') {
    if (!marker.closePolygon()) desk.step.value = 'explain';
  } else return false;
  return true;
}
