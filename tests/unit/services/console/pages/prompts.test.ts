import { begin, push, redo, undo } from '../../../../../services/console/pages/interactive/history';
import {
  alongPath,
  requestOf,
  withPrompt,
  type Prompt,
} from '../../../../../services/console/pages/interactive/prompts';

const size = { width: 300, height: 200 };
const point = (x: number, y: number, positive = true): Prompt => ({ kind: 'point', positive, at: { x, y } });
const box: Prompt = { kind: 'box', from: { x: 200, y: 150 }, to: { x: 100, y: 50 } };

test('the middle of a pixel on the screen is its whole number in the API', () => {
  const { points } = requestOf([point(10.5, 20.5), point(0, 0, false), point(300, 200)], size);
  expect(points).toEqual([
    { xPx: 10, yPx: 20, label: 'POINT_LABEL_FOREGROUND' },
    { xPx: 0, yPx: 0, label: 'POINT_LABEL_BACKGROUND' },
    { xPx: 299, yPx: 199, label: 'POINT_LABEL_FOREGROUND' },
  ]);
});

test('a box may be drawn from any corner, and has a width even where it was drawn without one', () => {
  expect(requestOf([box], size).boxes).toEqual([{ x0Px: 99.5, y0Px: 49.5, x1Px: 199.5, y1Px: 149.5 }]);
  const line: Prompt = { kind: 'box', from: { x: 400, y: 10 }, to: { x: 400, y: 10 } };
  expect(requestOf([line], size).boxes).toEqual([{ x0Px: 299, y0Px: 9.5, x1Px: 300, y1Px: 10 }]);
});

test('a second box takes the place of the first, points add up', () => {
  expect(withPrompt([box, point(1, 1)], { ...box })).toHaveLength(2);
  expect(withPrompt([point(1, 1)], point(1, 1))).toHaveLength(2);
});

test('a scribble becomes points at equal distances along it', () => {
  const path = [0, 1, 2, 3, 50, 110].map((x) => ({ x, y: 5 }));
  expect(alongPath(path, 12).map(({ x }) => Math.round(x))).toEqual([0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 110]);
  expect(alongPath([{ x: 3, y: 4 }], 12)).toEqual([{ x: 3, y: 4 }]);
  expect(alongPath([], 12)).toEqual([]);
});

test('what was taken back comes back, until something new is done', () => {
  const three = push(push(begin(1), 2), 3);
  expect(undo(three).now).toBe(2);
  expect(redo(undo(undo(three))).now).toBe(2);
  expect(redo(push(undo(three), 4))).toEqual(push(undo(three), 4));
  expect(undo(begin(1)).now).toBe(1);
});
