// One person's work on one image: prompts, what the server drew for them, and the objects that are finished.

import { batch, computed, effect, signal } from '@preact/signals';
import { isAborted } from '../../../console-kit/api/call';
import { InteractiveImage } from '../../../console-kit/api/interactive';
import type { EncodeImageResponse, Image, Mask, Tensor } from '../../../console-kit/api/types';
import { LocalImage } from '../../../console-kit/decoder/local-decoder';
import type { Bits } from '../../../console-kit/viewer/layer';
import type { Point, Size } from '../../../console-kit/viewer/view';
import { begin, push, redo, undo, type History } from './history';
import { requestOf, withPrompt, type Prompt } from './prompts';
import { loadWork, saveWork } from './saved-work';
import type { Drawn, Work } from './work';

export type Status = 'none' | 'encoding' | 'ready' | 'drawing' | 'away';

/** Playing frames encodes the one where it stops. */
const SETTLE_MS = 150;

/**
 * What browsers call the time from the pointer's event to the frame with the mask of its place, among a page's measures. It ends
 * when the frame has been painted; a place that a newer one overtook has none.
 */
const PREVIEW = 'automed.preview';
/** Measures are kept by the browser until they are cleared. */
const MOST_MEASURES = 500;

/** Measures what began at `start` until the next frame is painted. */
function measureDrawn(start: number): void {
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => {
    port1.close();
    if (performance.getEntriesByName(PREVIEW).length >= MOST_MEASURES) performance.clearMeasures(PREVIEW);
    performance.measure(PREVIEW, { start });
  };
  // What is drawn on a canvas is painted after the callbacks of its frame, and before the next message.
  requestAnimationFrame(() => port2.postMessage(undefined));
}

const EMPTY: Work = { prompts: [], objects: [] };

export class Session {
  readonly history = signal<History<Work>>(begin(EMPTY));
  readonly work = computed(() => this.history.value.now);
  /** What the server drew for the prompts that there are. */
  readonly drawn = signal<Drawn | undefined>(undefined);
  /** What a click would give where the pointer is. */
  readonly hover = signal<Mask | Bits | undefined>(undefined);
  readonly status = signal<Status>('none');
  readonly error = signal<unknown>(undefined);
  private image: InteractiveImage | undefined;
  private size: Size = { width: 1, height: 1 };
  private key = '';
  private asking: AbortController | undefined;
  /** Of the image; fires when another one takes its place. */
  private opened = new AbortController();
  /** The newest place under the pointer, and since when it is there. */
  private wanted: { at: Point; since: number } | undefined;
  private previewing = false;
  /** Draws in the browser, once it has what it needs. */
  private local: LocalImage | undefined;

  constructor() {
    effect(() => {
      const [now, drawn] = [this.work.value, this.drawn.value];
      if (this.key !== '') saveWork(this.key, { now, drawn });
    });
  }

  /**
   * Begins with an image, or goes on with it: nothing changes where it is open already.
   * @param key names file and frame; work that was saved under it comes back
   * @param model `name@version` of a base
   */
  open(key: string, model: string, size: Size, image: () => Image): void {
    if (key === this.key && model === this.image?.model) {
      if (this.error.peek() !== undefined) this.retry();
      return;
    }
    this.asking?.abort();
    this.asking = undefined;
    this.opened.abort();
    const { signal } = (this.opened = new AbortController());
    const saved = loadWork(key);
    // Who clicks before the list of bases is there means this image.
    const early = this.key === '' ? this.history.peek() : begin(EMPTY);
    const otherBase = key === this.key && model !== this.image?.model;
    batch(() => {
      this.key = key;
      this.size = size;
      this.image = new InteractiveImage(model, image);
      this.local = undefined;
      this.history.value = saved ? begin(saved.now) : early;
      this.drawn.value = saved?.drawn;
      this.hover.value = undefined;
      this.error.value = undefined;
      this.status.value = 'encoding';
    });
    const start = async (): Promise<void> => {
      await this.encode();
      if (!signal.aborted && (otherBase || early.now.prompts.length > 0)) await this.draw();
    };
    const timer = setTimeout(() => void start(), SETTLE_MS);
    signal.addEventListener('abort', () => clearTimeout(timer));
  }

  /** Adds a prompt and has the mask drawn anew. */
  add(prompt: Prompt): void {
    const { prompts, objects } = this.work.peek();
    this.become({ prompts: withPrompt(prompts, prompt), objects });
  }

  removePrompt(index: number): void {
    const { prompts, objects } = this.work.peek();
    this.become({ prompts: prompts.filter((_, at) => at !== index), objects });
  }

  clearPrompts(): void {
    this.become({ ...this.work.peek(), prompts: [] });
  }

  /** Keeps the mask as an object, and begins with the next one. */
  finish(name: string): void {
    const drawn = this.drawn.peek();
    if (drawn) this.become({ prompts: [], objects: [...this.work.peek().objects, { name, mask: drawn.mask }] });
  }

  removeObject(index: number): void {
    const { prompts, objects } = this.work.peek();
    this.become({ prompts, objects: objects.filter((_, at) => at !== index) });
  }

  undo(): void {
    this.history.value = undo(this.history.peek());
    void this.draw();
  }

  redo(): void {
    this.history.value = redo(this.history.peek());
    void this.draw();
  }

  /** Makes the mask itself a prompt in place of what it came from. */
  async continueFromMask(): Promise<void> {
    const [image, work] = [this.image, this.work.peek()];
    const logits = await this.logits();
    if (this.image !== image || this.work.peek() !== work) return;
    if (logits) this.become({ ...this.work.peek(), prompts: [{ kind: 'mask', logits }] });
  }

  /**
   * Shows what a click would give. While one answer is under way only the newest place waits.
   * @param since when the pointer came there, of the page's clock
   */
  async preview(at: Point | undefined, since = performance.now()): Promise<void> {
    this.wanted = at && { at, since };
    if (at === undefined) this.hover.value = undefined;
    if (this.previewing) return;
    this.previewing = true;
    while (this.wanted && this.canPreview()) {
      const wanted = this.wanted;
      this.wanted = undefined;
      const { image } = this;
      // A preview that fails is none; the click will say why.
      const mask = await this.previewAt(wanted.at).catch(() => undefined);
      if (this.image === image && this.canPreview()) this.hover.value = mask;
      measureDrawn(wanted.since);
    }
    this.previewing = false;
  }

  private async previewAt(at: Point): Promise<Mask | Bits | undefined> {
    const { size, local } = this;
    const request = requestOf([{ kind: 'point', positive: true, at }], size);
    const [point] = request.points;
    if (!local || !point) return (await this.image?.predict(request, { once: true }))?.masks?.[0]?.mask;
    const bits = await local.draw(point).catch((error: unknown) => {
      // Its worker has ended: the next preview comes from the server.
      if (this.local === local) this.local = undefined;
      throw error;
    });
    return bits && { bits, ...size };
  }

  /** Gets the decoder for an image that the server has looked at; without it previews come from there. */
  private async becomeLocal(image: InteractiveImage, { embedding }: EncodeImageResponse): Promise<void> {
    if (!embedding) return;
    const { signal } = this.opened;
    const local = await LocalImage.of(image.model, embedding, this.size, { signal }).catch(() => undefined);
    if (this.image === image) this.local = local;
  }

  private canPreview(): boolean {
    return this.work.peek().prompts.length === 0 && this.status.peek() === 'ready';
  }

  retry(): void {
    this.error.value = undefined;
    void this.encode().then(() => this.draw());
  }

  private become(next: Work): void {
    this.history.value = push(this.history.peek(), next);
    void this.draw();
  }

  private async encode(): Promise<void> {
    const image = this.image;
    this.status.value = 'encoding';
    try {
      const seen = await image?.encode({ signal: this.opened.signal, onWait: () => this.away(image) });
      if (this.image === image && !this.asking) this.status.value = 'ready';
      if (image && seen && this.image === image && !this.local) void this.becomeLocal(image, seen);
    } catch (error) {
      if (this.image === image && !isAborted(error)) this.failed(error);
    }
  }

  private async draw(): Promise<void> {
    this.asking?.abort();
    this.asking = undefined;
    void this.preview(undefined);
    const { prompts } = this.work.peek();
    const { image } = this;
    if (prompts.length === 0 || !image) {
      this.drawn.value = undefined;
      // Nothing is drawn any more; what is left is that the server looks at the image, where it still does.
      if (this.status.peek() === 'drawing' || this.status.peek() === 'away') void this.encode();
      return;
    }
    const controller = (this.asking = new AbortController());
    this.status.value = 'drawing';
    this.error.value = undefined;
    try {
      await image.encode({ signal: this.opened.signal, onWait: () => this.away(image) });
      if (this.asking !== controller) return;
      const onWait = (): void => this.away(image);
      const answer = await image.predict(requestOf(prompts, this.size), { signal: controller.signal, onWait });
      if (this.asking !== controller) return;
      this.asking = undefined;
      const best = answer.masks?.[0];
      this.drawn.value = best && { mask: best.mask, iou: best.predictedIou ?? 0 };
      this.status.value = 'ready';
    } catch (error) {
      if (this.asking !== controller) return;
      this.asking = undefined;
      if (!isAborted(error)) this.failed(error);
    }
  }

  private async logits(): Promise<Tensor | undefined> {
    const { image } = this;
    const request = requestOf(this.work.peek().prompts, this.size);
    try {
      return (await image?.predict(request, { logits: true }))?.masks?.[0]?.logits;
    } catch (error) {
      if (this.image === image) this.failed(error);
      return undefined;
    }
  }

  private away(image: InteractiveImage): void {
    if (this.image === image) this.status.value = 'away';
  }

  private failed(error: unknown): void {
    this.error.value = error;
    this.status.value = 'ready';
  }
}
