import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { OpenReview, ReviewState } from '../../../console-kit/api/reviews';
import { Field, SelectField } from '../../../console-kit/parts/field';
import { Busy, Problem } from '../../../console-kit/parts/notice';
import { t } from '../../../console-kit/texts/en';
import { DecisionText } from './decision-text';
import type { Desk } from './desk';

/** What can be decided, and the reason for it. */
export function DecidePanel({ desk, open }: { desk: Desk; open: OpenReview }) {
  const { step } = desk;
  const { decision } = open.review;
  if (step.value === 'reject') return <ReasonForm desk={desk} state="REVIEW_STATE_REJECTED" />;
  if (step.value === 'explain') return <ReasonForm desk={desk} state="REVIEW_STATE_AMENDED" />;
  if (step.value === 'amend') return <AmendPanel desk={desk} open={open} />;
  return (
    <section>
      {decision ? <DecisionText decision={decision} /> : null}
      <div class="row">
        <button type="button" class="button primary small" disabled={desk.busy.value} onClick={() => desk.accept()}>
          {t.review.accept}
        </button>
        <button type="button" class="button small" onClick={() => (step.value = 'reject')}>
          {t.review.reject}
        </button>
        <button type="button" class="button small" onClick={() => desk.amend()}>
          {t.review.amend}
        </button>
      </div>
      <div class="row">
        <button type="button" class="button quiet small" onClick={() => void desk.show(desk.at.peek() - 1)}>
          {t.review.previous}
        </button>
        <button type="button" class="button quiet small" onClick={() => void desk.show(desk.at.peek() + 1)}>
          {t.review.next}
        </button>
      </div>
    </section>
  );
}

function AmendPanel({ desk, open }: { desk: Desk; open: OpenReview }) {
  const { step, marker } = desk;
  return (
    <section>
      {open.review.finding.classification ? (
        <ClassChoice desk={desk} open={open} />
      ) : (
        <>
          <p>{t.review.structure(desk.editor.masks.value[desk.editor.current.value]?.structure ?? '')}</p>
          <p class="fine">{t.review.radius(marker.radius.value)}</p>
          <p class="fine">{t.review.help}</p>
          {desk.canPrompt ? null : <p class="fine">{t.review.noBase}</p>}
          {marker.busy.value ? <Busy>{t.interactive.status.drawing}</Busy> : null}
          {marker.error.value === undefined ? null : <Problem error={marker.error.value} />}
        </>
      )}
      <div class="row">
        <button type="button" class="button primary small" onClick={() => (step.value = 'explain')}>
          {t.review.keep}
        </button>
        <button type="button" class="button small" onClick={() => desk.look()}>
          {t.review.back}
        </button>
      </div>
    </section>
  );
}

function ClassChoice({ desk, open }: { desk: Desk; open: OpenReview }) {
  const { predictedClass, probabilities = [] } = open.review.finding.classification ?? {};
  const others = probabilities.map(({ className }) => className).filter((name) => name !== predictedClass);
  const chosen = desk.className.value;
  useEffect(() => {
    if (chosen === '') desk.className.value = others[0] ?? '';
  }, [chosen]);
  return (
    <SelectField
      label={t.review.class}
      value={chosen}
      options={others.map((name) => [name, name] as const)}
      onChange={(name) => (desk.className.value = name)}
    />
  );
}

function ReasonForm({ desk, state }: { desk: Desk; state: ReviewState }) {
  const [reason, setReason] = useState('');
  const input = useRef<HTMLInputElement>(null);
  // With the form itself: the first key that is typed after it is there counts.
  useLayoutEffect(() => input.current?.focus(), []);
  const back = (): void => {
    if (state === 'REVIEW_STATE_AMENDED') desk.step.value = 'amend';
    else desk.look();
  };
  return (
    <form
      class="form"
      onSubmit={(event) => {
        event.preventDefault();
        void desk.decide(state, reason);
      }}
      onKeyDown={(event) => {
        if (event.key === 'Escape') back();
      }}
    >
      <Field label={t.review.reason} hint={t.review.reasonHint}>
        {(ids) => (
          <input
            {...ids}
            ref={input}
            type="text"
            required
            maxLength={1000}
            value={reason}
            onInput={(event) => setReason(event.currentTarget.value)}
          />
        )}
      </Field>
      <div class="row">
        <button type="submit" class="button primary small" disabled={desk.busy.value}>
          {t.review.decide}
        </button>
        <button type="button" class="button small" onClick={back}>
          {t.review.back}
        </button>
      </div>
    </form>
  );
}
