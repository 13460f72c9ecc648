import { useEffect, useRef, useState } from 'preact/hooks';
import { MOST_LISTED, type OpenReview, type Review, type ReviewState } from '../../../console-kit/api/reviews';
import { measure } from '../../../console-kit/parts/measure';
import { SelectField } from '../../../console-kit/parts/field';
import { Icon } from '../../../console-kit/parts/icon';
import { Busy, Problem } from '../../../console-kit/parts/notice';
import { t } from '../../../console-kit/texts/en';
import { Viewer } from '../../../console-kit/viewer/viewer';
import { AmendTools } from './amend-tools';
import { DecidePanel } from './decide-panel';
import { Desk } from './desk';
import { onReviewKey } from './keys';
import { PublishForm } from './publish-form';

const STATES = [
  'REVIEW_STATE_PENDING',
  'REVIEW_STATE_ACCEPTED',
  'REVIEW_STATE_REJECTED',
  'REVIEW_STATE_AMENDED',
] as const satisfies readonly ReviewState[];

/** One queue, review after review. */
export function Bench({ queue }: { queue: string }) {
  const [desk] = useState(() => new Desk(queue));
  const frame = useRef<HTMLDivElement>(null);
  useEffect(() => desk.start(), [desk]);
  const { list, error, open, review, step } = desk;
  const focus = (): void => frame.current?.querySelector('canvas')?.focus({ preventScroll: true });
  // The keys are the canvas's: whoever decided goes on with the next one at once.
  useEffect(() => {
    if (step.value === 'look' || step.value === 'amend') focus();
  }, [open.value, step.value]);
  return (
    <div class="workbench" ref={frame}>
      <h1 class="visually-hidden">{`${t.review.title}: ${queue}`}</h1>
      <Viewer
        state={desk.viewer}
        tools={step.value === 'amend' ? <AmendTools desk={desk} /> : null}
        empty={list.value?.length === 0 ? <p>{t.review.empty}</p> : <Busy>{t.loading}</Busy>}
        onKey={(event) => onReviewKey(event, desk)}
      />
      <div class="panel">
        <a class="back" href="/review">
          <Icon name="back" /> {t.review.all}
        </a>
        <SelectField<ReviewState>
          label={t.review.states.label}
          value={desk.shown.value}
          options={STATES.map((state) => [state, t.review.states[state]] as const)}
          onChange={(state) => void desk.load(state)}
        />
        <p class="muted" role="status">
          {list.value ? t.review.left(list.value.length, list.value.length === MOST_LISTED) : t.loading}
        </p>
        {error.value === undefined ? null : <Problem error={error.value} retry={() => void desk.load()} />}
        {review.value ? <Facts review={review.value} open={open.value} /> : null}
        {open.value ? <DecidePanel desk={desk} open={open.value} /> : null}
        <PublishForm queue={queue} />
      </div>
    </div>
  );
}

function Facts({ review, open }: { review: Review; open: OpenReview | undefined }) {
  const { name, model, uncertainty = 0, id } = review;
  const { segmentation, classification } = open?.review.finding ?? {};
  return (
    <section aria-live="polite">
      <h2 class="file-name" title={name}>
        {name}
      </h2>
      <p class="muted">
        {model} · {t.review.uncertainty(t.units.percent(uncertainty))}
      </p>
      {segmentation?.masks?.map((mask) => (
        <p key={mask.structure}>
          {mask.structure}: {measure(mask)}
        </p>
      ))}
      {classification?.probabilities?.map(({ className, probability = 0 }) => (
        <div class="class-row" key={className}>
          <span class="class-name">{className}</span>
          <meter min="0" max="1" value={probability} aria-label={className} />
          <span class="number">{t.units.percent(probability)}</span>
        </div>
      ))}
      <a class="fine" href={`/results/${id}`}>
        {t.review.link}
      </a>
    </section>
  );
}
