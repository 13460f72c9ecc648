import type { ViewerState } from './state';
import type { Point } from './view';

/** One press moves the crosshair so far, CSS pixels. */
const STEP_PX = 10;

/** Steps of the arrow keys, by the key's name in lower case. */
export const ARROWS: Readonly<Record<string, readonly [x: number, y: number]>> = {
  arrowleft: [-1, 0],
  arrowright: [1, 0],
  arrowup: [0, -1],
  arrowdown: [0, 1],
};

/** Where the keyboard points after some steps; it begins in the middle of the image. */
export function pointBy(state: ViewerState, from: Point | undefined, [x, y]: readonly [number, number]): Point {
  const { width, height } = state.picture.peek() ?? { width: 0, height: 0 };
  const { x: x0, y: y0 } = from ?? { x: width / 2, y: height / 2 };
  const step = STEP_PX / state.zoom.peek();
  const within = (value: number, most: number): number => Math.min(Math.max(value, 0), most);
  const to = { x: within(x0 + x * step, width), y: within(y0 + y * step, height) };
  state.cursor.value = to;
  return to;
}
