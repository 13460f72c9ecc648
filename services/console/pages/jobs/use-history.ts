import { useEffect, useState } from 'preact/hooks';
import { isAborted } from '../../../console-kit/api/call';
import { watchJob } from '../../../console-kit/api/jobs';
import { NOTHING_YET, withEvent, type JobHistory } from './history';

/** After a stream that broke. */
const AGAIN_MS = 2_000;

/** Follows a job from its first event; a stream that breaks goes on where it was. @param onChange hears of every state */
export function useHistory(id: string, onChange: () => void): { history: JobHistory; error: unknown } {
  const [state, setState] = useState<{ history: JobHistory; error: unknown }>({
    history: NOTHING_YET,
    error: undefined,
  });
  useEffect(() => {
    const controller = new AbortController();
    let history = NOTHING_YET;
    let timer = 0;
    const follow = async (): Promise<void> => {
      for await (const event of watchJob(id, controller.signal, history.sequence + 1)) {
        history = withEvent(history, event);
        setState({ history, error: undefined });
        if (event.stateChange) onChange();
      }
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
  }, [id]);
  return state;
}
