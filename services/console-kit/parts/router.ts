// Paths to pages; links are ordinary ones.

import { signal } from '@preact/signals';

export const path = signal(location.pathname);

export function go(to: string): void {
  if (to === location.pathname) return;
  history.pushState(null, '', to);
  path.value = location.pathname;
  scrollTo(0, 0);
  // Who cannot see the page change is led to what is new on it.
  document.getElementById('content')?.focus({ preventScroll: true });
}

/** Makes links of this host change the page without a load. */
export function startRouter(): void {
  addEventListener('popstate', () => (path.value = location.pathname));
  document.addEventListener('click', (event) => {
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey) return;
    const link = (event.target as Element).closest('a');
    if (link?.target !== '' || link.hasAttribute('download') || link.origin !== location.origin) return;
    // The browser itself goes to a place on the same page.
    if (link.hash !== '' && link.pathname === location.pathname) return;
    event.preventDefault();
    go(link.pathname);
  });
}
