// Who calls: an API key or token, kept for this tab alone and gone with it.

import { signal, effect } from '@preact/signals';

const KEY = 'automed.token';

export const token = signal(sessionStorage.getItem(KEY) ?? '');
/** A call was refused for want of a key. */
export const signedOut = signal(false);

effect(() => {
  if (token.value === '') sessionStorage.removeItem(KEY);
  else sessionStorage.setItem(KEY, token.value);
});
