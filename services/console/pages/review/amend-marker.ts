// The pointer, or the crosshair of the keyboard, as brush, polygon and prompts.

import { signal } from '@preact/signals';
import type { InteractiveImage } from '../../../console-kit/api/interactive';
import type { Marker } from '../../../console-kit/viewer/state';
import { decodeMask } from '../../../console-kit/viewer/run-lengths';
import type { Point } from '../../../console-kit/viewer/view';
import { requestOf, withPrompt, type Prompt } from '../interactive/prompts';
import type { Editor } from './editor';

export type AmendTool = 'brush' | 'polygon' | 'point' | 'box';

const [SMALLEST, LARGEST] = [1, 200];

export class AmendMarker implements Marker {
  readonly tool = signal<AmendTool>('brush');
  /** The brush erases, a polygon cuts out, a point says what is outside. */
  readonly erase = signal(false);
  /** Of the brush, pixels of the image. */
  readonly radius = signal(8);
  readonly crosshair = signal<Point | undefined>(undefined);
  /** Corners of the polygon that is being drawn. */
  readonly corners = signal<readonly Point[]>([]);
  readonly prompts = signal<readonly Prompt[]>([]);
  readonly box = signal<{ from: Point; to: Point } | undefined>(undefined);
  readonly busy = signal(false);
  readonly error = signal<unknown>(undefined);
  /** Where a stroke or a box began and has come to. */
  private last: Point | undefined;
  private asking = 0;

  constructor(
    private readonly editor: Editor,
    /** The image on the base of the model; undefined where that is not known. */
    private readonly image: () => InteractiveImage | undefined,
  ) {}

  choose(tool: AmendTool): void {
    this.leave();
    this.corners.value = [];
    this.prompts.value = [];
    this.tool.value = tool;
  }

  /** Nothing of what was begun is left. */
  reset(): void {
    this.choose('brush');
    this.asking += 1;
    this.busy.value = false;
    this.erase.value = false;
    this.crosshair.value = undefined;
    this.error.value = undefined;
  }

  grow(by: number): void {
    this.radius.value = Math.min(LARGEST, Math.max(SMALLEST, Math.round(this.radius.peek() * by + Math.sign(by - 1))));
  }

  down(point: Point): void {
    const tool = this.tool.peek();
    if (tool === 'polygon') this.corners.value = [...this.corners.peek(), point];
    if (tool === 'point') this.add({ kind: 'point', positive: !this.erase.peek(), at: point });
    if (tool === 'box') this.box.value = { from: point, to: point };
    if (tool === 'brush') {
      this.editor.step();
      this.paint(point, point);
    }
    if (tool === 'brush' || tool === 'box') this.last = point;
  }

  move(point: Point): void {
    if (!this.last) return;
    if (this.tool.peek() === 'brush') this.paint(this.last, point);
    const box = this.box.peek();
    if (box) this.box.value = { ...box, to: point };
    this.last = point;
  }

  up(point: Point): void {
    this.move(point);
    const box = this.box.peek();
    this.leave();
    if (box && Math.hypot(box.to.x - box.from.x, box.to.y - box.from.y) >= 1) this.add({ kind: 'box', ...box });
  }

  leave(): void {
    this.last = undefined;
    this.box.value = undefined;
  }

  /** Moves the crosshair, and what was begun along with it. */
  point(to: Point): void {
    this.crosshair.value = to;
    this.move(to);
  }

  /** What a click does at the crosshair; of a stroke or a box the second press ends it. */
  press(): void {
    const at = this.crosshair.peek();
    if (!at) return;
    if (this.last) this.up(at);
    else this.down(at);
  }

  /** @returns whether there was a polygon to close */
  closePolygon(): boolean {
    const corners = this.corners.peek();
    this.corners.value = [];
    if (corners.length < 3) return corners.length > 0;
    this.editor.polygon(corners, this.erase.peek() ? 0 : 1);
    return true;
  }

  private paint(from: Point, to: Point): void {
    this.editor.stroke(from, to, this.radius.peek(), this.erase.peek() ? 0 : 1);
  }

  /** Has the base draw what all prompts together describe, in place of the mask. */
  private add(prompt: Prompt): void {
    this.prompts.value = withPrompt(this.prompts.peek(), prompt);
    void this.draw();
  }

  private async draw(): Promise<void> {
    const [image, mask] = [this.image(), this.editor.masks.peek()[this.editor.current.peek()]];
    if (!image || !mask) return;
    const turn = (this.asking += 1);
    this.busy.value = true;
    try {
      const answer = await image.predict(requestOf(this.prompts.peek(), mask), {});
      const drawn = answer.masks?.[0]?.mask;
      if (turn !== this.asking || !drawn) return;
      this.editor.replace(decodeMask(drawn.cocoRle ?? '', mask.width, mask.height));
      this.error.value = undefined;
    } catch (error) {
      if (turn === this.asking) this.error.value = error;
    } finally {
      if (turn === this.asking) this.busy.value = false;
    }
  }
}
