import { useCallback, useEffect, useState } from 'preact/hooks';
import { isAborted } from '../api/call';
import { token } from '../api/session';

export interface Loaded<T> {
  value: T | undefined;
  error: unknown;
  /** Loads that have ended, well or not. */
  answers: number;
  /** Loads again; what is shown stays until it is there. */
  reload: () => void;
}

/** Loads when the page opens, when a dependency changes, and after signing in. */
export function useLoad<T>(
  load: (signal: AbortSignal) => Promise<T>,
  dependencies: readonly unknown[] = [],
): Loaded<T> {
  const [state, setState] = useState<Omit<Loaded<T>, 'reload'>>({ value: undefined, error: undefined, answers: 0 });
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    const controller = new AbortController();
    load(controller.signal).then(
      (value) => {
        if (controller.signal.aborted) return;
        setState(({ answers }) => ({ value, error: undefined, answers: answers + 1 }));
      },
      (error: unknown) => {
        if (controller.signal.aborted || isAborted(error)) return;
        setState(({ value, answers }) => ({ value, error, answers: answers + 1 }));
      },
    );
    return () => controller.abort();
  }, [turn, token.value, ...dependencies]);
  return { ...state, reload: useCallback(() => setTurn((before) => before + 1), []) };
}
