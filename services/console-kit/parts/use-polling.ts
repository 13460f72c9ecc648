import { useEffect } from 'preact/hooks';
import { useLoad, type Loaded } from './use-load';

/** Loads again and again while the page is seen. */
export function usePolling<T>(
  load: (signal: AbortSignal) => Promise<T>,
  everyMs: number,
  dependencies: readonly unknown[] = [],
): Loaded<T> {
  const loaded = useLoad(load, dependencies);
  const { reload } = loaded;
  useEffect(() => {
    const timer = setInterval(() => {
      if (document.visibilityState === 'visible') reload();
    }, everyMs);
    return () => clearInterval(timer);
  }, [everyMs, reload]);
  return loaded;
}
