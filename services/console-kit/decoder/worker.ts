/// <reference lib="webworker" />
// Draws masks beside the page, so that the pointer never waits for them.

import { fromBase64 } from '../api/bytes';
import { singlesOf } from './float16';
import { MaskDecoder } from './mask-decoder';
import type { Answer, Order } from './messages';
import { restoredMask } from './restore';
import type { Weights } from './weights';

declare const self: DedicatedWorkerGlobalScope;

let decoder: MaskDecoder | undefined;

function weightsOf({ weights }: Extract<Order, { kind: 'load' }>): Weights {
  return new Map(
    weights.map(({ name, tensor: { shape, data } }) => [name, { shape, values: singlesOf(fromBase64(data)) }]),
  );
}

function answer(order: Order): Answer {
  if (order.kind === 'load') {
    decoder = new MaskDecoder(weightsOf(order), order.layout);
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
