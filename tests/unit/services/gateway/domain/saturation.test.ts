import { Saturation } from '../../../../../services/gateway/domain/saturation';

let now = 0;
let saturation: Saturation;
beforeEach(() => {
  now = 500;
  saturation = new Saturation(() => now);
});

test('nothing is known before a refusal', () => {
  expect(saturation.waitMs('a Segment polyp', 1)).toBeUndefined();
});

test('the gateway refuses calls with too little time, and fewer as the queue is worked off', () => {
  saturation.note('a', { waitMs: 900, answerMs: 1_200 });
  expect(saturation.waitMs('a', 1_000)).toBe(900);
  expect(saturation.waitMs('a', 1_200)).toBeUndefined();
  expect(saturation.waitMs('b', 1_000)).toBeUndefined();
  now += 300;
  expect(saturation.waitMs('a', 1_000)).toBeUndefined();
  expect(saturation.waitMs('a', 899)).toBe(600);
  now += 900;
  expect(saturation.waitMs('a', 1)).toBeUndefined();
});

test('a full queue refuses every call, for as long as it said', () => {
  saturation.note('a', { waitMs: 5_000, fullMs: 80 });
  expect(saturation.waitMs('a', Infinity)).toBe(5_000);
  now += 80;
  expect(saturation.waitMs('a', Infinity)).toBeUndefined();
});
