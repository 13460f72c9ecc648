// What was done on an image outlives a reload, in the tab's session storage, which goes with the tab.

import type { Drawn, Work } from './work';

const PREFIX = 'automed.work.';
/** Older images give way when the browser's room for a tab is full. */
const ORDER = 'automed.works';

interface Saved {
  now: Work;
  drawn: Drawn | undefined;
}

export function loadWork(key: string): Saved | undefined {
  const text = sessionStorage.getItem(PREFIX + key);
  return text === null ? undefined : (JSON.parse(text) as Saved);
}

export function saveWork(key: string, work: Saved): void {
  const text = JSON.stringify(work);
  const keys = [...order().filter((each) => each !== key), key];
  for (;;) {
    try {
      sessionStorage.setItem(PREFIX + key, text);
      sessionStorage.setItem(ORDER, JSON.stringify(keys));
      return;
    } catch {
      const oldest = keys.shift();
      if (oldest === undefined || oldest === key) return;
      sessionStorage.removeItem(PREFIX + oldest);
    }
  }
}

const order = (): string[] => JSON.parse(sessionStorage.getItem(ORDER) ?? '[]') as string[];
