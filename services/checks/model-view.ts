// What is left of a mask's lesions at the size of a model's input: in the image that the model sees, and in the mask that it
// learns from.

import { componentsOf, runsOf, type Run } from './components';
import { axesOf, type Axis, type ModelInput, type Share, type Size } from './input-axes';

/** Of the true mask of one structure: what a model cannot see, because no pixel of its input shows it. */
export interface Losses {
  /** 1 when nothing of the mask is left, else 0; null when it shows nothing. */
  vanished: 0 | 1 | null;
  /** Lesions of the mask: 8-connected components. */
  lesions: number;
  /** Those of which nothing is left. */
  vanishedLesions: number;
}

/** As `Losses`, and what a training loses besides, because its mask has no pixel of it. */
export interface ModelView {
  losses: Losses;
  /** Nothing of the mask can be learnt; false when it shows nothing. */
  maskLost: boolean;
  /** Lesions of which nothing can be learnt. */
  lostLesions: number;
}

/**
 * Share of an input pixel's value that must come from a lesion for it to show there, and where the lesion also lies under the
 * pixel's centre. A lesion as large as an input pixel has the latter wherever it lies.
 */
const SHOWN = 0.5;
const SHOWN_UNDER_CENTRE = 0.25;
const ROUNDING = 1e-6;

/** Above any side of an input. */
const STRIDE = 2 ** 20;

interface Left {
  /** Some pixel of the input shows it. */
  shown: boolean;
  /** Some pixel of the model's mask is of it. */
  picked: boolean;
}

/** What is left of runs. */
function leftOf(runs: readonly Run[], [columns, rows]: readonly [Axis, Axis]): Left {
  const shares = new Map<number, { sum: number; picked: boolean }>();
  const left: Left = { shown: false, picked: false };
  const add = (row: Share, column: Share): void => {
    const key = row.at * STRIDE + column.at;
    const known = shares.get(key) ?? { sum: 0, picked: false };
    known.sum += row.weight * column.weight;
    known.picked ||= row.picked && column.picked;
    shares.set(key, known);
    left.picked ||= known.picked;
    left.shown ||= known.sum >= (known.picked ? SHOWN_UNDER_CENTRE : SHOWN) - ROUNDING;
  };
  for (const { row: y, from, to } of runs) {
    for (const row of rows[y] as readonly Share[]) {
      for (let x = from; x < to; x += 1) {
        for (const column of columns[x] as readonly Share[]) add(row, column);
        if (left.shown && left.picked) return left;
      }
    }
  }
  return left;
}

/** @param mask 0 or 1 per pixel of the image, row by row */
export function viewOf(mask: Uint8Array, size: Size, input: ModelInput): ModelView {
  const axes = axesOf(size, input);
  const runs = runsOf(mask, size);
  const lesions = componentsOf(runs);
  const none: ModelView = {
    losses: { vanished: null, lesions: 0, vanishedLesions: 0 },
    maskLost: false,
    lostLesions: 0,
  };
  if (lesions.length === 0) return none;
  if (!axes) return { ...none, losses: { vanished: 0, lesions: lesions.length, vanishedLesions: 0 } };
  const left = lesions.map((lesion) => leftOf(lesion, axes));
  const vanishedLesions = left.filter(({ shown }) => !shown).length;
  // Specks side by side may show where none of them does alone.
  const shown = vanishedLesions < lesions.length || leftOf(runs, axes).shown;
  return {
    losses: { vanished: shown ? 0 : 1, lesions: lesions.length, vanishedLesions },
    maskLost: !shown || !left.some(({ picked }) => picked),
    lostLesions: left.filter(({ shown, picked }) => !shown || !picked).length,
  };
}

/** Those of `viewOf`. */
export const lossesOf = (mask: Uint8Array, size: Size, input: ModelInput): Losses => viewOf(mask, size, input).losses;
