// The pointer as a way to point: clicks, boxes, strokes.

import { signal } from '@preact/signals';
import type { Marker } from '../../../console-kit/viewer/state';
import type { Point } from '../../../console-kit/viewer/view';
import type { Prompt } from './prompts';
import type { Session } from './session';

export type PromptTool = 'point' | 'box' | 'scribble';

/** A drag shorter than this is a click, pixels of the image. */
const CLICK_PX = 3;

const KEYBOARD = 'keyboard';

export class PromptMarker implements Marker {
  readonly tool = signal<PromptTool>('point');
  /** Whether the next prompt says what is outside. */
  readonly negative = signal(false);
  /** What is being drawn. */
  readonly draft = signal<Prompt | undefined>(undefined);
  /** Where the keyboard points, once it does. */
  readonly crosshair = signal<Point | undefined>(undefined);
  private path: Point[] = [];
  private positive = true;

  constructor(private readonly session: Session) {}

  down(point: Point, event: Pick<PointerEvent, 'button' | 'shiftKey'>): void {
    // The right button and Shift mean the other side.
    this.positive = (event.button === 2 || event.shiftKey) === this.negative.peek();
    this.path = [point];
  }

  move(point: Point, event: Pick<PointerEvent, 'pointerType' | 'timeStamp'>): void {
    if (event.pointerType !== KEYBOARD) this.crosshair.value = undefined;
    if (this.path.length === 0) {
      if (event.pointerType === 'mouse') void this.session.preview(point, event.timeStamp);
      return;
    }
    this.path.push(point);
    this.draft.value = this.promptOf(point);
  }

  up(point: Point): void {
    if (this.path.length === 0) return;
    this.path.push(point);
    const prompt = this.promptOf(point) ?? ({ kind: 'point', positive: this.positive, at: point } as const);
    this.leave();
    this.session.add(prompt);
  }

  leave(): void {
    this.path = [];
    this.draft.value = undefined;
    void this.session.preview(undefined);
  }

  /** Points by keyboard, dragging along what was begun. */
  point(to: Point): void {
    this.crosshair.value = to;
    this.move(to, { pointerType: KEYBOARD, timeStamp: performance.now() });
  }

  /** What a click does at the crosshair; of a box or a scribble the first press begins it and the second one ends it. */
  press(): void {
    const at = this.crosshair.peek();
    if (!at) return;
    if (this.path.length > 0) return this.up(at);
    this.down(at, { button: 0, shiftKey: false });
    if (this.tool.peek() === 'point') this.up(at);
  }

  private promptOf(to: Point): Prompt | undefined {
    const [from = to] = this.path;
    const tool = this.tool.peek();
    const reach = Math.max(...this.path.map(({ x, y }) => Math.hypot(x - from.x, y - from.y)));
    if (tool === 'point' || reach < CLICK_PX) return undefined;
    if (tool === 'box') return { kind: 'box', from, to };
    return { kind: 'scribble', positive: this.positive, path: [...this.path] };
  }
}
