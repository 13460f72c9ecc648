import { useEffect } from 'preact/hooks';
import { useLoad, type Loaded } from './use-load';

/** Loads again and again while the page is seen. */
export const usePolling = <T>(
  load: (signal: AbortSignal) => Promise<T>,
  everyMs: number,
  dependencies: readonly unknown[] = [],
): Loaded<T> => useRepeat(useLoad(load, dependencies), everyMs);

/**
 * Loads again a while after each answer, so that a slow one is waited for; while the page is hidden nothing is asked.
 * @param everyMs undefined: not any more
 */
export function useRepeat<T>(loaded: Loaded<T>, everyMs: number | undefined): Loaded<T> {
  const { reload, answers } = loaded;
  useEffect(() => {
    if (everyMs === undefined || answers === 0) return undefined;
    const seen = new AbortController();
    const again = (): void => {
      if (document.visibilityState === 'visible') reload();
      else document.addEventListener('visibilitychange', again, { signal: seen.signal, once: true });
    };
    const timer = setTimeout(again, everyMs);
    return () => {
      clearTimeout(timer);
      seen.abort();
    };
  }, [everyMs, reload, answers]);
  return loaded;
}
