// Mouse, pen and fingers on the canvas.

import type { Tool, ViewerState } from './state';
import { toImage, type Point } from './view';

/** Listens on the canvas. @returns what stops it */
export function followPointers(canvas: HTMLCanvasElement, state: ViewerState): () => void {
  const listening = new AbortController();
  const { signal } = listening;
  const hands = new Hands(canvas, state);
  canvas.addEventListener('pointerdown', (event) => hands.down(event), { signal });
  canvas.addEventListener('pointermove', (event) => hands.move(event), { signal });
  canvas.addEventListener('pointerup', (event) => hands.up(event), { signal });
  canvas.addEventListener('pointercancel', (event) => hands.up(event), { signal });
  canvas.addEventListener('pointerleave', () => hands.leave(), { signal });
  canvas.addEventListener('contextmenu', (event) => event.preventDefault(), { signal });
  const wheel = (event: WheelEvent): void => {
    event.preventDefault();
    state.zoomBy(Math.exp(-event.deltaY * 0.0015), at(event));
  };
  canvas.addEventListener('wheel', wheel, { signal, passive: false });
  return () => listening.abort();
}

const at = (event: MouseEvent): Point => ({ x: event.offsetX, y: event.offsetY });

/** The pointers that are down, and what their gesture is. */
class Hands {
  private readonly pointers = new Map<number, Point>();
  private gesture: Tool | undefined;

  constructor(
    private readonly canvas: HTMLCanvasElement,
    private readonly state: ViewerState,
  ) {}

  down(event: PointerEvent): void {
    const { canvas, state, pointers } = this;
    if (!state.picture.peek()) return;
    canvas.focus({ preventScroll: true });
    canvas.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, at(event));
    if (pointers.size > 1) {
      // A second finger makes it a pinch, whatever the first one began.
      if (this.gesture === 'mark') state.marker?.leave();
      this.gesture = undefined;
      return;
    }
    this.gesture = gestureOf(event, state.tool.peek());
    if (this.gesture === 'mark') state.marker?.down(this.inImage(event), event);
  }

  move(event: PointerEvent): void {
    const { state, pointers, gesture } = this;
    const before = pointers.get(event.pointerId);
    const now = at(event);
    state.cursor.value = this.inImage(event);
    if (gesture === 'mark' || (!before && state.tool.peek() === 'mark')) state.marker?.move(this.inImage(event), event);
    if (!before) return;
    if (pointers.size === 2) this.pinch(event.pointerId, before, now);
    pointers.set(event.pointerId, now);
    if (gesture === 'pan') state.panBy(now.x - before.x, now.y - before.y);
    if (gesture === 'window') state.windowBy(now.x - before.x, now.y - before.y);
  }

  up(event: PointerEvent): void {
    if (!this.pointers.delete(event.pointerId)) return;
    if (this.gesture === 'mark' && event.type === 'pointerup') this.state.marker?.up(this.inImage(event), event);
    if (this.pointers.size === 0) this.gesture = undefined;
  }

  leave(): void {
    this.state.cursor.value = undefined;
    if (this.pointers.size === 0) this.state.marker?.leave();
  }

  private inImage(event: PointerEvent): Point {
    return toImage(this.state.view.peek(), at(event));
  }

  private pinch(moved: number, before: Point, now: Point): void {
    const other = [...this.pointers].find(([id]) => id !== moved)?.[1];
    if (!other) return;
    const distance = (point: Point): number => Math.max(1, Math.hypot(point.x - other.x, point.y - other.y));
    const middle = { x: (now.x + other.x) / 2, y: (now.y + other.y) / 2 };
    this.state.zoomBy(distance(now) / distance(before), middle);
    this.state.panBy((now.x - before.x) / 2, (now.y - before.y) / 2);
  }
}

/** The middle button pans and the right one windows, whatever the tool; Alt and Ctrl do so for a mouse that has neither. */
function gestureOf(event: PointerEvent, tool: Tool): Tool {
  if (event.button === 1 || event.altKey) return 'pan';
  if (event.ctrlKey || (event.button === 2 && tool !== 'mark')) return 'window';
  return tool;
}
