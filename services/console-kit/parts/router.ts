// Paths to pages; links are ordinary ones.

import { signal } from '@preact/signals';

export const path = signal(location.pathname);

export function go(to: string): void {
  if (to === location.pathname) return;
  history.pushState(null, '', to);
  path.value = location.pathname;
  scrollTo(0, 0);
}

/** Makes links of this host change the page without a load. */
export function startRouter(): void {
  addEventListener('popstate', () => (path.value = location.pathname));
  document.addEventListener('click', (event) => {
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey) return;
    const link = (event.target as Element).closest('a');
    if (link?.target !== '' || link.hasAttribute('download') || link.origin !== location.origin) return;
    event.preventDefault();
    go(link.pathname);
  });
}
