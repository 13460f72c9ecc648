import { chooseShown } from '../../../../../../services/worker/domain/training/previews';

test('a preview shows up to four samples, spread over all of them, and always the same', () => {
  expect(chooseShown(100, 1)).toEqual([0, 25, 50, 75]);
  expect(chooseShown(3, 0)).toEqual([0, 1, 2]);
  expect(chooseShown(0, 1)).toEqual([]);
});

test('a sample of several structures takes the room of several', () => {
  expect(chooseShown(10, 2)).toEqual([0, 5]);
  expect(chooseShown(10, 9)).toEqual([0]);
});
