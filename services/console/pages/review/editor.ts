// The masks of one answer while a person amends them.

import { computed, signal } from '@preact/signals';
import type { Mask } from '../../../console-kit/api/types';
import { fillPolygon, paintStroke } from '../../../console-kit/viewer/paint';
import { decodeMask, encodeMask } from '../../../console-kit/viewer/run-lengths';
import type { Point } from '../../../console-kit/viewer/view';

export interface EditedMask {
  structure: string;
  bits: Uint8Array;
  width: number;
  height: number;
}

type Masks = readonly EditedMask[];

/** States that undo goes back through. */
const MOST_STEPS = 40;

export class Editor {
  readonly masks = signal<Masks>([]);
  /** Which of them is amended. */
  readonly current = signal(0);
  private readonly past = signal<readonly Masks[]>([]);
  private readonly future = signal<readonly Masks[]>([]);
  readonly canUndo = computed(() => this.past.value.length > 0);
  readonly canRedo = computed(() => this.future.value.length > 0);

  begin(masks: readonly Mask[]): void {
    this.masks.value = masks.map(({ cocoRle = '', widthPx: width, heightPx: height, structure = '' }) => ({
      ...{ structure, width, height },
      bits: decodeMask(cocoRle, width, height),
    }));
    this.current.value = 0;
    this.past.value = [];
    this.future.value = [];
  }

  nextStructure(): void {
    this.current.value = (this.current.peek() + 1) % Math.max(1, this.masks.peek().length);
  }

  /** Undo comes back to here; what follows changes the state in place until the next step. */
  step(): void {
    this.past.value = [...this.past.peek(), this.masks.peek()].slice(-MOST_STEPS);
    this.future.value = [];
    this.change((mask) => ({ ...mask, bits: mask.bits.slice() }));
  }

  /** Paints on along a stroke that step() began. */
  stroke(from: Point, to: Point, radius: number, value: 0 | 1): void {
    this.change((mask) => {
      paintStroke(mask, from, to, radius, value);
      return { ...mask };
    });
  }

  polygon(corners: readonly Point[], value: 0 | 1): void {
    this.step();
    this.change((mask) => {
      fillPolygon(mask, corners, value);
      return { ...mask };
    });
  }

  /** Another mask in its place, of the same size. */
  replace(bits: Uint8Array): void {
    this.step();
    this.change((mask) => ({ ...mask, bits }));
  }

  undo(): void {
    const before = this.past.peek().at(-1);
    if (!before) return;
    this.future.value = [this.masks.peek(), ...this.future.peek()];
    this.past.value = this.past.peek().slice(0, -1);
    this.masks.value = before;
  }

  redo(): void {
    const [after, ...rest] = this.future.peek();
    if (!after) return;
    this.past.value = [...this.past.peek(), this.masks.peek()];
    this.future.value = rest;
    this.masks.value = after;
  }

  /** As the API takes them. */
  result(): Mask[] {
    return this.masks.peek().map(({ structure, bits, width, height }) => ({
      structure,
      widthPx: width,
      heightPx: height,
      cocoRle: encodeMask(bits, width, height),
    }));
  }

  private change(edit: (mask: EditedMask) => EditedMask): void {
    const at = this.current.peek();
    this.masks.value = this.masks.peek().map((mask, index) => (index === at ? edit(mask) : mask));
  }
}
