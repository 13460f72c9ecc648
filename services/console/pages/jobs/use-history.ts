import { useEffect, useRef, useState } from 'preact/hooks';
import { isAborted } from '../../../console-kit/api/call';
import { watchJob } from '../../../console-kit/api/jobs';
import { NOTHING_YET, withEvent, type JobHistory } from './history';

/** After a stream that broke. */
const AGAIN_MS = 2_000;

/**
 * Follows a job from its first event; a stream that breaks goes on where it was.
 * @param turn watches again, where the stream had ended, when it changes
 * @param onChange hears of every state
 */
export function useHistory(id: string, turn: number, onChange: () => void): { history: JobHistory; error: unknown } {
  const [state, setState] = useState<{ history: JobHistory; error: unknown }>({
    history: NOTHING_YET,
    error: undefined,
  });
  const seen = useRef({ id, history: NOTHING_YET, place: { id: '' } });
  useEffect(() => {
    const controller = new AbortController();
    if (seen.current.id !== id) seen.current = { id, history: NOTHING_YET, place: { id: '' } };
    const { place } = seen.current;
    let { history } = seen.current;
    let timer = 0;
    const follow = async (): Promise<void> => {
      for await (const event of watchJob(id, controller.signal, place)) {
        history = withEvent(history, event);
        seen.current = { id, history, place };
        setState({ history, error: undefined });
        if (event.stateChange) onChange();
      }
      setState({ history, error: undefined });
    };
    const start = (): void => {
      follow().catch((error: unknown) => {
        if (isAborted(error)) return;
        setState({ history, error });
        timer = window.setTimeout(start, AGAIN_MS);
      });
    };
    start();
    return () => {
      controller.abort();
      clearTimeout(timer);
    };
  }, [id, turn]);
  return state;
}
