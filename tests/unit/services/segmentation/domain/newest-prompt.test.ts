import { NewestPrompt } from '../../../../../services/segmentation/domain/newest-prompt';

const setUp = (): NewestPrompt<string> => new NewestPrompt<string>();

test('the queue of prompts gives messages that come one at a time back in order, and drops none', () => {
  const waiting = setUp();
  for (const [index, message] of ['image', 'one', 'two'].entries()) {
    waiting.offer(message, index === 0);
    expect(waiting.take()).toEqual({ index, message, droppedIndexes: [] });
  }
  expect(waiting.take()).toBeUndefined();
});

test('the queue of prompts keeps the newest of the prompts that wait, and reports the others once', () => {
  const waiting = setUp();
  waiting.offer('image', true);
  for (const message of ['one', 'two', 'three']) waiting.offer(message, false);
  expect(waiting.take()).toEqual({ index: 0, message: 'image', droppedIndexes: [] });
  expect(waiting.take()).toEqual({ index: 3, message: 'three', droppedIndexes: [1, 2] });
  waiting.offer('four', false);
  expect(waiting.take()).toEqual({ index: 4, message: 'four', droppedIndexes: [] });
});

test('a new image drops the prompts and the image that wait', () => {
  const waiting = setUp();
  waiting.offer('first', true);
  waiting.offer('on the first', false);
  waiting.offer('second', true);
  waiting.offer('on the second', false);
  expect(waiting.take()).toEqual({ index: 2, message: 'second', droppedIndexes: [0, 1] });
  expect(waiting.take()).toEqual({ index: 3, message: 'on the second', droppedIndexes: [] });
});
