// A linear head on kept embeddings: softmax regression, trained in moments without an encoder pass.

/** Rows of features under each other, and what each is: a probability of every class. */
export interface Rows {
  features: Float32Array;
  /** `count` x `classes`; rows sum to 1. */
  targets: Float32Array;
  count: number;
}

export interface LinearHead {
  width: number;
  classes: number;
  /** `classes` x (`width` + 1); the last of each is the bias. */
  weights: Float32Array;
}

export interface FitOptions {
  /** Penalty on the squared weights, per row. */
  decay: number;
  steps: number;
}

const RATE = 0.05;
const [BETA1, BETA2, EPSILON] = [0.9, 0.999, 1e-8];

export function emptyHead(width: number, classes: number): LinearHead {
  return { width, classes, weights: new Float32Array(classes * (width + 1)) };
}

/** Probabilities of each row, `count` x `classes`. */
export function predict({ width, classes, weights }: LinearHead, features: Float32Array, count: number): Float32Array {
  const probabilities = new Float32Array(count * classes);
  for (let row = 0; row < count; row += 1) {
    const at = row * width;
    let most = -Infinity;
    for (let one = 0; one < classes; one += 1) {
      const from = one * (width + 1);
      let logit = weights[from + width] as number;
      for (let k = 0; k < width; k += 1) logit += (weights[from + k] as number) * (features[at + k] as number);
      probabilities[row * classes + one] = logit;
      if (logit > most) most = logit;
    }
    softmax(probabilities, row * classes, classes, most);
  }
  return probabilities;
}

function softmax(values: Float32Array, from: number, count: number, most: number): void {
  let sum = 0;
  for (let at = from; at < from + count; at += 1) {
    const value = Math.exp((values[at] as number) - most);
    values[at] = value;
    sum += value;
  }
  for (let at = from; at < from + count; at += 1) values[at] = (values[at] as number) / sum;
}

/** Adam on all rows at once: convex and without chance, so that the same rows give the same head. */
export function fit(start: LinearHead, rows: Rows, { decay, steps }: FitOptions): LinearHead {
  const head: LinearHead = { ...start, weights: start.weights.slice() };
  const { weights } = head;
  const [first, second] = [new Float64Array(weights.length), new Float64Array(weights.length)];
  for (let step = 1; step <= steps; step += 1) {
    const gradient = gradientOf(head, rows, decay);
    const rate = (RATE * Math.sqrt(1 - BETA2 ** step)) / (1 - BETA1 ** step);
    for (let at = 0; at < weights.length; at += 1) {
      const slope = gradient[at] as number;
      const mean = BETA1 * (first[at] as number) + (1 - BETA1) * slope;
      const square = BETA2 * (second[at] as number) + (1 - BETA2) * slope * slope;
      first[at] = mean;
      second[at] = square;
      weights[at] = (weights[at] as number) - (rate * mean) / (Math.sqrt(square) + EPSILON);
    }
  }
  return head;
}

function gradientOf(head: LinearHead, { features, targets, count }: Rows, decay: number): Float64Array {
  const { width, classes, weights } = head;
  const gradient = new Float64Array(weights.length);
  const probabilities = predict(head, features, count);
  for (let row = 0; row < count; row += 1) {
    for (let one = 0; one < classes; one += 1) {
      const error = ((probabilities[row * classes + one] as number) - (targets[row * classes + one] as number)) / count;
      const from = one * (width + 1);
      for (let k = 0; k < width; k += 1) gradient[from + k]! += error * (features[row * width + k] as number);
      gradient[from + width]! += error;
    }
  }
  for (let one = 0; one < classes; one += 1) {
    const from = one * (width + 1);
    for (let k = 0; k < width; k += 1) gradient[from + k]! += decay * (weights[from + k] as number);
  }
  return gradient;
}
