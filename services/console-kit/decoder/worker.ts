/// <reference lib="webworker" />
// Draws masks beside the page, so that the pointer never waits for them.

import { fromBase64 } from '../api/bytes';
import { singlesOf } from './float16';
import { MaskDecoder } from './mask-decoder';
import type { Answer, Order } from './messages';
import { restoredMask } from './restore';
import type { Weights } from './weights';

declare const self: DedicatedWorkerGlobalScope;

const WARM_UP_RUNS = 4;

let decoder: MaskDecoder | undefined;

function weightsOf({ weights }: Extract<Order, { kind: 'load' }>): Weights {
  return new Map(
    weights.map(({ name, tensor: { shape, data } }) => [name, { shape, values: singlesOf(fromBase64(data)) }]),
  );
}

/** Browsers compile what has run a few times anew, faster; the first masks of a person are not to wait for that. */
function warmUp(cold: MaskDecoder, middle: number): void {
  for (let run = 0; run < WARM_UP_RUNS; run += 1) cold.predict({ x: middle, y: middle, foreground: true });
}

function answer(order: Order): Answer {
  if (order.kind === 'load') {
    decoder = new MaskDecoder(weightsOf(order), order.layout);
    warmUp(decoder, order.layout.imageSize / 2);
    return { id: order.id };
  }
  if (!decoder) throw new Error('no decoder was loaded');
  if (order.kind === 'look') {
    decoder.look(singlesOf(fromBase64(order.features)));
    return { id: order.id };
  }
  const { placement, width, height } = order;
  const { logits } = decoder.predict(order.point);
  return { id: order.id, bits: restoredMask(logits, placement, width, height) };
}

self.addEventListener('message', ({ data: order }: MessageEvent<Order>) => {
  try {
    const answered = answer(order);
    self.postMessage(answered, answered.bits ? [answered.bits.buffer] : []);
  } catch (error) {
    self.postMessage({ id: order.id, failure: String(error) } satisfies Answer);
  }
});
