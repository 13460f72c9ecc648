import { Admission, type AdmissionOptions, type Arrival, type Ticket } from '../../../../services/common/admission';

let now = 0;
beforeEach(() => {
  now = 1_000;
});

const admission = (options: Partial<AdmissionOptions> = {}): Admission =>
  new Admission({ slots: 1, capacity: 8, ...options }, () => now);
const SEGMENT: Arrival = { kind: 'segment', priority: 0, remainingMs: Infinity };

function ticket(of: Admission, changes: Partial<Arrival> = {}): Ticket {
  const entered = of.enter({ ...SEGMENT, ...changes });
  if (!('end' in entered)) throw new Error(entered.why);
  return entered;
}

/** Answers so many requests of 100 ms, one after another. */
function teach(of: Admission, kind = 'segment', ms = 100, count = 5): void {
  for (let at = 0; at < count; at += 1) {
    const entered = ticket(of, { kind });
    now += ms;
    entered.end(true);
  }
}

test('predicts the wait from what requests cost that came before', () => {
  const it = admission();
  teach(it);
  expect(it.waitMs()).toBe(0);
  ticket(it);
  expect(it.waitMs()).toBe(100);
  ticket(it);
  expect(it.waitMs()).toBe(200);
  now += 60;
  expect(it.waitMs()).toBe(140);
});

test('admission refuses what could not be answered before its deadline, and says when it would be', () => {
  const it = admission();
  teach(it);
  ticket(it);
  ticket(it);
  expect(it.enter({ ...SEGMENT, remainingMs: 300 })).toMatchObject({ waitMs: 200, answerMs: 375 });
  expect(it.enter({ ...SEGMENT, remainingMs: 380 })).toHaveProperty('end');
  expect(it.refusedCount).toBe(1);
});

test('a longer deadline is let in where a shorter one is not, and an answer makes room', () => {
  const it = admission();
  teach(it);
  const first = ticket(it);
  expect(it.enter({ ...SEGMENT, remainingMs: 200 })).not.toHaveProperty('end');
  now += 100;
  first.end(true);
  expect(it.enter({ ...SEGMENT, remainingMs: 200 })).toHaveProperty('end');
});

test('work of lower priority delays nobody but what is under way', () => {
  const it = admission();
  teach(it);
  for (let at = 0; at < 4; at += 1) ticket(it);
  expect(it.waitMs(0)).toBe(400);
  expect(it.waitMs(1)).toBe(100);
  expect(it.enter({ ...SEGMENT, priority: 1, remainingMs: 260 })).toHaveProperty('end');
});

test('several slots share the work, and each method and model has its own cost', () => {
  const it = admission({ slots: 2 });
  teach(it, 'short', 10);
  teach(it, 'long', 400);
  for (let at = 0; at < 2; at += 1) ticket(it, { kind: 'long' });
  for (let at = 0; at < 4; at += 1) ticket(it, { kind: 'short' });
  expect(it.waitMs()).toBe((2 * 400 + 4 * 10) / 2);
});

test('a batch that ends together costs its time once', () => {
  const it = admission({ slots: 4 });
  for (let round = 0; round < 4; round += 1) {
    const tickets = Array.from({ length: 4 }, () => ticket(it));
    now += 100;
    for (const each of tickets) each.end(true);
  }
  for (let at = 0; at < 8; at += 1) ticket(it);
  expect(it.waitMs()).toBe(200);
});

test('the first request, which loads its model, teaches nothing about the others', () => {
  const it = admission();
  teach(it, 'segment', 5_000, 1);
  teach(it, 'segment', 100, 4);
  ticket(it);
  expect(it.waitMs()).toBe(100);
});

test('an idle server tries again what seemed too slow, once a second', () => {
  const it = admission();
  teach(it, 'segment', 5_000, 5);
  const hasty = { ...SEGMENT, remainingMs: 300 };
  const tried = ticket(it, hasty);
  now += 100;
  tried.end(true);
  expect(it.enter(hasty)).toMatchObject({ waitMs: 0 });
  now += 1_000;
  expect(it.enter(hasty)).toHaveProperty('end');
});

test('admission refuses whatever its deadline is when as many wait as may', () => {
  const it = admission({ capacity: 2 });
  teach(it);
  for (let at = 0; at < 3; at += 1) ticket(it);
  expect(it.enter(SEGMENT)).toMatchObject({ waitMs: 300, fullMs: 100 });
});

test('what failed or was cancelled makes room and teaches nothing', () => {
  const it = admission();
  teach(it);
  const cancelled = ticket(it);
  now += 1;
  cancelled.end(false);
  cancelled.end(true);
  expect(it.admittedCount).toBe(0);
  ticket(it);
  expect(it.waitMs()).toBe(100);
});

test('the queue that streams use counts, too', () => {
  const it = admission({ backlogMs: () => 500 });
  teach(it);
  expect(it.waitMs()).toBe(500);
  expect(it.enter({ ...SEGMENT, remainingMs: 550 })).toMatchObject({ waitMs: 500 });
});
