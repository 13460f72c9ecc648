// The queue that a person works through: which reviews are in its list, which one is open, what is being decided.

import { batch, computed, effect, signal } from '@preact/signals';
import { isAborted } from '../../../console-kit/api/call';
import { InteractiveImage } from '../../../console-kit/api/interactive';
import {
  decideReview,
  getReview,
  listReviews,
  type OpenReview,
  type Review,
  type ReviewState,
} from '../../../console-kit/api/reviews';
import { masksThatCount } from '../../../console-kit/api/masks-that-count';
import { pictureOf } from '../../../console-kit/files/sample-picture';
import { colourOf, layerOfBits } from '../../../console-kit/viewer/layer';
import { ViewerState } from '../../../console-kit/viewer/state';
import { AmendMarker } from './amend-marker';
import { drawAmending } from './draw-amending';
import { Editor } from './editor';

/** Looking, or saying why it is rejected, or amending, or saying why that. */
export type Step = 'look' | 'reject' | 'amend' | 'explain';

export class Desk {
  readonly viewer = new ViewerState();
  readonly editor = new Editor();
  readonly marker = new AmendMarker(this.editor, () => this.interactive);
  readonly shown = signal<ReviewState>('REVIEW_STATE_PENDING');
  readonly list = signal<readonly Review[] | undefined>(undefined);
  readonly at = signal(0);
  readonly open = signal<OpenReview | undefined>(undefined);
  readonly step = signal<Step>('look');
  readonly className = signal('');
  readonly busy = signal(false);
  readonly error = signal<unknown>(undefined);
  readonly review = computed(() => this.list.value?.[this.at.value]);
  private interactive: InteractiveImage | undefined;
  private loading = new AbortController();
  private readonly kept = new Map<string, Promise<OpenReview>>();

  constructor(readonly queue: string) {
    this.viewer.marker = this.marker;
  }

  /** Begins; what it returns ends it. */
  start(): () => void {
    const stops = [effect(() => this.drawMasks()), effect(() => this.drawOverlay())];
    void this.load();
    return () => {
      this.loading.abort();
      stops.forEach((stop) => stop());
    };
  }

  async load(state = this.shown.peek()): Promise<void> {
    this.loading.abort();
    const { signal } = (this.loading = new AbortController());
    this.shown.value = state;
    try {
      const list = await listReviews(this.queue, state, { signal });
      if (signal.aborted) return;
      this.kept.clear();
      this.list.value = list;
      await this.show(0);
    } catch (error) {
      if (!isAborted(error)) this.error.value = error;
    }
  }

  async show(at: number): Promise<void> {
    const list = this.list.peek() ?? [];
    const index = Math.min(Math.max(at, 0), Math.max(0, list.length - 1));
    batch(() => {
      this.at.value = index;
      this.open.value = undefined;
      this.error.value = undefined;
      this.look();
      this.editor.begin([]);
      this.viewer.clear();
    });
    const review = list[index];
    if (!review) return;
    try {
      const open = await this.fetch(review);
      const picture = await pictureOf(open.image, open.displayPng);
      if (this.review.peek()?.id !== review.id) return;
      const { baseName = '', baseVersion = 0 } = open.review.finding.segmentation?.model ?? {};
      this.interactive =
        baseName === '' ? undefined : new InteractiveImage(`${baseName}@${baseVersion}`, () => open.image);
      batch(() => {
        this.open.value = open;
        this.viewer.show(picture);
        this.beginMasks(open);
      });
      const next = list[index + 1];
      // The next one is there when it is wanted; that it fails is said then.
      if (next) void this.fetch(next).catch(() => this.kept.delete(next.id));
    } catch (error) {
      this.kept.delete(review.id);
      if (this.review.peek()?.id === review.id) this.error.value = error;
    }
  }

  /** Back to looking; what was amended is dropped. */
  look(): void {
    this.step.value = 'look';
    this.className.value = '';
    this.marker.reset();
    this.viewer.tool.value = 'window';
    const open = this.open.peek();
    if (open) this.beginMasks(open);
  }

  amend(): void {
    if (!this.open.peek()) return;
    this.step.value = 'amend';
    this.viewer.tool.value = 'mark';
  }

  get canPrompt(): boolean {
    return this.interactive !== undefined;
  }

  /** Says yes to what is shown: to what was amended already, which is on to the next, or to the prediction. */
  accept(): void {
    if (this.open.peek()?.review.state === 'REVIEW_STATE_AMENDED') void this.show(this.at.peek() + 1);
    else void this.decide('REVIEW_STATE_ACCEPTED', '');
  }

  /** Keeps the decision and goes on. */
  async decide(state: ReviewState, reason: string): Promise<void> {
    const open = this.open.peek();
    if (!open || this.busy.peek()) return;
    const amends = state === 'REVIEW_STATE_AMENDED';
    const masks = amends && open.review.finding.segmentation ? this.editor.result() : [];
    const className = amends ? this.className.peek() : '';
    this.busy.value = true;
    try {
      await decideReview(open.review, { state, reason, masks, className });
      const { id } = open.review;
      this.kept.delete(id);
      const rest = (this.list.peek() ?? []).filter((each) => each.id !== id);
      const at = this.at.peek();
      this.list.value = rest;
      if (rest.length === 0) await this.load();
      else await this.show(at);
    } catch (error) {
      this.error.value = error;
    } finally {
      this.busy.value = false;
    }
  }

  private fetch({ id }: Review): Promise<OpenReview> {
    const known = this.kept.get(id);
    if (known) return known;
    const fetched = getReview(id);
    this.kept.set(id, fetched);
    return fetched;
  }

  /** What was decided last, else what was predicted. */
  private beginMasks({ review }: OpenReview): void {
    this.editor.begin(masksThatCount(review));
  }

  private drawMasks(): void {
    this.viewer.layers.value = this.editor.masks.value.map(({ structure, bits, width, height }, at) =>
      layerOfBits(bits, { id: structure, name: structure, colour: colourOf(at), width, height }),
    );
  }

  private drawOverlay(): void {
    const { corners, prompts, box, crosshair, radius, tool } = this.marker;
    const amending = this.step.value === 'amend';
    const drawn = {
      corners: corners.value,
      prompts: prompts.value,
      box: box.value,
      crosshair: crosshair.value,
      radius: tool.value === 'brush' ? radius.value : undefined,
      cursor: this.viewer.cursor.value,
    };
    this.viewer.overlay.value = amending ? drawAmending(drawn) : undefined;
  }
}
