import type { ReviewDecision } from '../../../console-kit/api/reviews';
import { Time } from '../../../console-kit/parts/time';
import { t } from '../../../console-kit/texts/en';

export function DecisionText({ decision }: { decision: ReviewDecision }) {
  const { state, decidedBy = '', reason = '', decideTime, className = '' } = decision;
  const what = className === '' ? t.review.states[state] : `${t.review.states[state]} (${className})`;
  return (
    <p>
      {t.review.decided(what, decidedBy, reason)} · <Time at={decideTime} />
    </p>
  );
}
