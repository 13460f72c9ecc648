// What a viewer shows, as signals: whoever changes one sees it drawn.

import { batch, computed, signal } from '@preact/signals';
import type { Layer } from './layer';
import type { Overlay } from './renderer';
import { FULL_RANGE, type Picture, type Window } from './picture';
import { centred, fit, zoomAt, type Point, type Size, type View } from './view';

/** What a drag with the main button does. */
export type Tool = 'window' | 'pan' | 'mark';

/** Hears of the pointer while the tool is `mark`; points are in pixels of the image. */
export interface Marker {
  down(point: Point, event: PointerEvent): void;
  move(point: Point, event: PointerEvent): void;
  up(point: Point, event: PointerEvent): void;
  leave(): void;
}

export class ViewerState {
  readonly picture = signal<Picture | undefined>(undefined);
  readonly window = signal<Window>(FULL_RANGE);
  readonly negative = signal(false);
  readonly view = signal<View>({ scale: 1, x: 0, y: 0 });
  readonly layers = signal<readonly Layer[]>([]);
  readonly opacity = signal(0.35);
  readonly outlines = signal(true);
  readonly tool = signal<Tool>('window');
  readonly cursor = signal<Point | undefined>(undefined);
  readonly overlay = signal<Overlay | undefined>(undefined);
  /** From 1. */
  readonly frame = signal(1);
  readonly frameCount = signal(1);
  /** Of the canvas, CSS pixels. */
  readonly size = signal<Size>({ width: 1, height: 1 });
  readonly zoom = computed(() => this.view.value.scale);
  marker: Marker | undefined;
  /** Whether the view still is the fitted one, which a change of size fits again. */
  private fitted = true;

  /** @param keep leaves window and view as they are: another frame of the same file. Layers are left to who made them */
  show(picture: Picture, keep = false): void {
    batch(() => {
      this.picture.value = picture;
      if (keep) return;
      this.window.value = picture.presets[0] ?? FULL_RANGE;
      this.negative.value = false;
      this.fit();
    });
  }

  clear(): void {
    batch(() => {
      this.picture.value = undefined;
      this.layers.value = [];
      this.cursor.value = undefined;
    });
  }

  resized(size: Size): void {
    batch(() => {
      this.size.value = size;
      if (this.fitted) this.fit();
    });
  }

  fit(): void {
    const picture = this.picture.peek();
    if (picture) this.view.value = fit(picture, this.size.peek());
    this.fitted = true;
  }

  /** One pixel of the image is one of CSS. */
  actualSize(): void {
    const picture = this.picture.peek();
    if (picture) this.view.value = centred(picture, this.size.peek(), 1);
    this.fitted = false;
  }

  zoomBy(factor: number, at: Point = { x: this.size.peek().width / 2, y: this.size.peek().height / 2 }): void {
    const picture = this.picture.peek();
    if (!picture) return;
    this.view.value = zoomAt(this.view.peek(), factor, at, fit(picture, this.size.peek()).scale / 2);
    this.fitted = false;
  }

  panBy(x: number, y: number): void {
    const view = this.view.peek();
    this.view.value = { ...view, x: view.x + x, y: view.y + y };
    this.fitted = false;
  }

  /** Of a drag: to the right widens the window, down lifts its centre, by shares of the picture's range. */
  windowBy(x: number, y: number): void {
    const range = this.picture.peek()?.presets.at(-1)?.width ?? 255;
    const { center, width } = this.window.peek();
    const step = Math.max(range, 2) / 600;
    this.window.value = { center: center + y * step, width: Math.max(1, width + x * step) };
  }

  /** Another frame, around the ends. */
  stepFrame(by: number): void {
    const count = this.frameCount.peek();
    this.frame.value = ((((this.frame.peek() - 1 + by) % count) + count) % count) + 1;
  }
}
