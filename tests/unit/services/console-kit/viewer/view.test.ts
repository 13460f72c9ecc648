import { fit, toImage, zoomAt } from '../../../../../services/console-kit/viewer/view';

test('an image fits with a margin and lies in the middle', () => {
  expect(fit({ width: 100, height: 50 }, { width: 224, height: 224 })).toEqual({ scale: 2, x: 12, y: 62 });
});

test('what is under the cursor stays there while zooming', () => {
  const before = { scale: 2, x: 12, y: 62 };
  const at = { x: 100, y: 90 };
  const after = zoomAt(before, 1.7, at, 0.1);
  const [a, b] = [toImage(before, at), toImage(after, at)];
  expect(b.x).toBeCloseTo(a.x, 9);
  expect(b.y).toBeCloseTo(a.y, 9);
  expect(zoomAt(before, 1e9, at, 0.1).scale).toBe(64);
  expect(zoomAt(before, 1e-9, at, 0.1).scale).toBe(0.1);
});
