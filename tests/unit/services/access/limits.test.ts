import { Limiter, limitSchema, type Limit } from '../../../../services/access/limits';
import { parsePolicy } from '../../../../services/access/policy';

const DAY_MS = 24 * 3_600_000;
const SEGMENT = 'automed.segmentation.v1.SegmentationService/Segment';
const limit = (fields: object): Limit => limitSchema.parse(fields);

let now = 20_000 * DAY_MS + DAY_MS / 2;
let limiter: Limiter;
beforeEach(() => (limiter = new Limiter(1, () => now)));

/** LET_IN, or after how many milliseconds to come back. */
function enter(limits: Limit[], caller = 'key:a', method = SEGMENT): number | 'LET_IN' {
  try {
    limiter.enter(limits, caller, method);
    return 'LET_IN';
  } catch (error) {
    expect(error).toMatchObject({ code: 'LIMIT_EXCEEDED' });
    return (error as { retryAfterMs: number }).retryAfterMs;
  }
}

test('calls per second: a burst, then one each time a token has been earned', () => {
  const limits = [limit({ perSecond: 2, burst: 3 })];
  expect([1, 2, 3].map(() => enter(limits))).toEqual(['LET_IN', 'LET_IN', 'LET_IN']);
  expect(enter(limits)).toBe(500);
  now += 400;
  expect(enter(limits)).toBe(100);
  now += 100;
  expect(enter(limits)).toBe('LET_IN');
  now += 3_600_000;
  expect([1, 2, 3, 4].map(() => enter(limits))).toEqual(['LET_IN', 'LET_IN', 'LET_IN', 500]);
});

test('less than one call per second still lets one through', () => {
  const limits = [limit({ perSecond: 0.1 })];
  expect(enter(limits)).toBe('LET_IN');
  expect(enter(limits)).toBe(10_000);
});

test('calls at a time: the end of one, told once or twice, makes room for one', () => {
  const limits = [limit({ concurrent: 1 })];
  const leave = limiter.enter(limits, 'key:a', SEGMENT);
  expect(enter(limits)).toBe(1_000);
  leave();
  leave();
  expect(enter(limits)).toBe('LET_IN');
  expect(enter(limits)).toBe(1_000);
});

test('calls per day: until midnight of UTC', () => {
  const limits = [limit({ perDay: 2 })];
  expect([enter(limits), enter(limits), enter(limits)]).toEqual(['LET_IN', 'LET_IN', DAY_MS - (now % DAY_MS)]);
  now += DAY_MS - (now % DAY_MS);
  expect(enter(limits)).toBe('LET_IN');
});

test('each caller is counted alone, and only by limits that concern it', () => {
  const limits = [limit({ callers: ['key:*'], methods: ['automed.segmentation.*'], perDay: 1 })];
  expect([enter(limits), enter(limits, 'key:b'), enter(limits, 'user:c'), enter(limits, 'user:c')]).toEqual(
    Array.from({ length: 4 }, () => 'LET_IN'),
  );
  expect(enter(limits)).toBeGreaterThan(0);
  expect(enter(limits, 'key:a', 'automed.models.v1.ModelService/ListModels')).toBe('LET_IN');
});

test('what one limit refuses is counted by no other', () => {
  const limits = [limit({ perDay: 3 }), limit({ methods: [SEGMENT], concurrent: 1 })];
  const leave = limiter.enter(limits, 'key:a', SEGMENT);
  for (let at = 0; at < 5; at += 1) expect(enter(limits)).toBe(1_000);
  leave();
  limiter.enter(limits, 'key:a', SEGMENT)();
  limiter.enter(limits, 'key:a', SEGMENT)();
  expect(enter(limits)).toBeGreaterThan(1_000);
});

test('another number for the same callers goes on counting', () => {
  expect(enter([limit({ perDay: 1 })])).toBe('LET_IN');
  expect(enter([limit({ perDay: 2 })])).toBe('LET_IN');
  expect(enter([limit({ perDay: 2 })])).toBeGreaterThan(0);
});

test('a clock that is set back gives nothing away and takes nothing', () => {
  const limits = [limit({ perSecond: 1 })];
  expect(enter(limits)).toBe('LET_IN');
  now -= 60_000;
  expect(enter(limits)).toBe(1_000);
});

test('a policy may have limits beside the standard roles, and says what is wrong with one', () => {
  const { roles, limits } = parsePolicy('limits: [{callers: ["key:pacs-*"], perSecond: 5, concurrent: 2}]');
  expect(Object.keys(roles)).toEqual(['predict', 'train', 'review', 'admin']);
  expect(limits).toEqual([{ callers: ['key:pacs-*'], methods: ['*'], perSecond: 5, concurrent: 2 }]);
  expect(() => parsePolicy('limits: [{perSecond: 0}]')).toThrow(/limits\.0\.perSecond/);
  expect(() => parsePolicy('limits: [{persecond: 1}]')).toThrow(/limits\.0/);
});

test.each([
  ['perSecond', limit({ perSecond: 9, burst: 9 }), 9],
  ['perSecond without a burst', limit({ perSecond: 10 }), 9],
  ['concurrent', limit({ concurrent: 8 }), 6],
  ['perDay', limit({ perDay: 10 }), 9],
  ['less than one each', limit({ concurrent: 2 }), 3],
])('gateways that share a limit grant no more than it together: %s', (_, shared, granted) => {
  const gateways = [1, 2, 3].map(() => new Limiter(3, () => now));
  let letIn = 0;
  for (const gateway of gateways) {
    for (let call = 0; call < 20; call += 1) {
      try {
        gateway.enter([shared], 'key:a', SEGMENT);
        letIn += 1;
      } catch (error) {
        expect(error).toMatchObject({ code: 'LIMIT_EXCEEDED' });
      }
    }
  }
  // Of what cannot be divided each lets one in.
  expect(letIn).toBe(granted);
});

test('says a part of a limit in digits that can be read', () => {
  const gateway = new Limiter(3, () => now);
  const limits = [limit({ perSecond: 1 })];
  gateway.enter(limits, 'key:a', SEGMENT);
  expect(() => gateway.enter(limits, 'key:a', SEGMENT)).toThrow(/at most 0\.333 call\(s\) per second/);
});
