import { useEffect, useState } from 'preact/hooks';
import { getReview, type OpenReview } from '../../../console-kit/api/reviews';
import { masksThatCount } from '../../../console-kit/api/masks-that-count';
import { pictureOf } from '../../../console-kit/files/sample-picture';
import { measure } from '../../../console-kit/parts/measure';
import { Busy, Problem } from '../../../console-kit/parts/notice';
import { useLoad } from '../../../console-kit/parts/use-load';
import { t } from '../../../console-kit/texts/en';
import { colourOf, layerOf } from '../../../console-kit/viewer/layer';
import { ViewerState } from '../../../console-kit/viewer/state';
import { Viewer } from '../../../console-kit/viewer/viewer';
import { DecisionText } from '../review/decision-text';

/** One result and nothing else: what a PACS or a letter points at. */
export function ResultPage({ id }: { id: string }) {
  const [state] = useState(() => new ViewerState());
  const { value, error, reload } = useLoad((signal) => openResult(id, state, signal), [id]);
  // Whoever may not see it any more sees nothing of it.
  useEffect(() => () => state.clear(), [state]);
  if (error !== undefined) return <Problem error={error} retry={reload} />;
  return (
    <div class="workbench">
      <h1 class="visually-hidden">{t.result.title}</h1>
      <Viewer state={state} empty={<Busy>{t.loading}</Busy>} />
      <div class="panel">{value ? <Answer open={value} /> : <Busy>{t.loading}</Busy>}</div>
    </div>
  );
}

/** Within the page of somebody else, in which no other page of the console is to be. */
const isFramed = (): boolean => window.top !== window;

async function openResult(id: string, state: ViewerState, signal: AbortSignal): Promise<OpenReview> {
  const open = await getReview(id, { signal });
  const picture = await pictureOf(open.image, open.displayPng);
  if (signal.aborted) return open;
  state.show(picture);
  state.layers.value = masksThatCount(open.review).map((mask, at) =>
    layerOf(mask, mask.structure ?? '', mask.structure ?? '', colourOf(at)),
  );
  return open;
}

function Answer({ open: { review, decisions = [] } }: { open: OpenReview }) {
  const { classification } = review.finding;
  return (
    <>
      <p class="lead">{t.result.lead(review.model)}</p>
      <section>
        {masksThatCount(review).map((mask, at) => (
          <p key={mask.structure}>
            <span class="swatch" style={{ background: colourOf(at) }} /> {mask.structure}: {measure(mask)}
          </p>
        ))}
        {classification?.probabilities?.map(({ className, probability = 0 }) => (
          <p key={className}>
            {className}: {t.units.percent(probability)}
          </p>
        ))}
      </section>
      <section>
        <h2>{t.result.history}</h2>
        {decisions.length === 0 ? <p class="muted">{t.result.pending}</p> : null}
        {decisions.map((decision, at) => (
          <DecisionText key={at} decision={decision} />
        ))}
      </section>
      <a href={`/review/${review.queue}`} target={isFramed() ? '_blank' : ''} rel="noreferrer">
        {t.result.open}
      </a>
      <p class="fine">{t.notice}</p>
    </>
  );
}
