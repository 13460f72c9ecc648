import { Busy } from '../../../console-kit/parts/notice';
import { measure } from '../../../console-kit/parts/measure';
import { t } from '../../../console-kit/texts/en';
import type { Session } from './session';

/** Masks of trained bases are expected to be better than this even of hard images. */
const DOUBTFUL_IOU = 0.25;

/** The mask that the prompts describe, and what can be done with it. */
export function MaskPanel({ session }: { session: Session }) {
  const [drawn, status] = [session.drawn.value, session.status.value];
  const waits = status === 'encoding' || status === 'drawing' || status === 'away';
  return (
    <section aria-live="polite">
      <h2>{t.interactive.mask}</h2>
      {waits ? <Busy>{t.interactive.status[status]}</Busy> : null}
      {drawn ? (
        <>
          <p>{measure(drawn.mask)}</p>
          <p class="fine">{t.interactive.iou(drawn.iou.toFixed(2))}</p>
          {drawn.iou < DOUBTFUL_IOU ? <p class="notice hint">{t.interactive.doubtful}</p> : null}
          <div class="row">
            <button
              type="button"
              class="button primary small"
              onClick={() => session.finish(t.interactive.objectName(session.work.value.objects.length + 1))}
            >
              {t.interactive.finish}
            </button>
            <button type="button" class="button small" onClick={() => void session.continueFromMask()}>
              {t.interactive.continue}
            </button>
          </div>
        </>
      ) : null}
      {!drawn && !waits ? <p class="muted">{t.interactive.status[status]}</p> : null}
    </section>
  );
}
