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

/** Where there is no room even for this image alone, nothing of it is kept: an older state would be a wrong one. */
export function saveWork(key: string, work: Saved): void {
  if (work.now.prompts.length === 0 && work.now.objects.length === 0) return forget(key);
  const text = JSON.stringify(work);
  const keys = [...order().filter((each) => each !== key), key];
  for (;;) {
    try {
      sessionStorage.setItem(PREFIX + key, text);
      sessionStorage.setItem(ORDER, JSON.stringify(keys));
      return;
    } catch {
      const oldest = keys.shift();
      if (oldest === undefined || oldest === key) return forget(key);
      sessionStorage.removeItem(PREFIX + oldest);
    }
  }
}

function forget(key: string): void {
  if (sessionStorage.getItem(PREFIX + key) === null) return;
  sessionStorage.removeItem(PREFIX + key);
  sessionStorage.setItem(ORDER, JSON.stringify(order().filter((each) => each !== key)));
}

const order = (): string[] => JSON.parse(sessionStorage.getItem(ORDER) ?? '[]') as string[];
