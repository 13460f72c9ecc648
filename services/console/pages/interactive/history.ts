/** States of which one is now; those before can come back, and those after until something new is done. */
export interface History<T> {
  past: readonly T[];
  now: T;
  future: readonly T[];
}

/** As many steps as anybody takes back. */
const LONGEST = 200;

export const begin = <T>(now: T): History<T> => ({ past: [], now, future: [] });

export const push = <T>({ past, now }: History<T>, next: T): History<T> => ({
  past: [...past, now].slice(-LONGEST),
  now: next,
  future: [],
});

export function undo<T>(history: History<T>): History<T> {
  const { past, now, future } = history;
  const before = past.at(-1);
  return before === undefined ? history : { past: past.slice(0, -1), now: before, future: [now, ...future] };
}

export function redo<T>(history: History<T>): History<T> {
  const { past, now, future } = history;
  const [after, ...rest] = future;
  return after === undefined ? history : { past: [...past, now], now: after, future: rest };
}
