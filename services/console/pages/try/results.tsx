import type { ClassifyResponse, Finding, Mask, SegmentResponse } from '../../../console-kit/api/types';
import { Icon } from '../../../console-kit/parts/icon';
import { measure } from '../../../console-kit/parts/measure';
import { Busy, Problem } from '../../../console-kit/parts/notice';
import { t } from '../../../console-kit/texts/en';
import { KeepLink } from './keep-link';
import type { Layer } from '../../../console-kit/viewer/layer';
import type { ViewerState } from '../../../console-kit/viewer/state';
import type { Analysis } from './use-analysis';
import type { SaliencyView } from './use-saliency';

interface ResultsProps {
  state: ViewerState;
  analysis: Analysis;
  saliency: SaliencyView;
}

export function Results({ state, analysis, saliency }: ResultsProps) {
  const { findings, busy, error, again, tookMs } = analysis;
  return (
    <section aria-live="polite">
      <h2>{t.try.results}</h2>
      {busy ? <Busy>{t.try.analyzing}</Busy> : null}
      {error === undefined ? null : <Problem error={error} retry={again} />}
      {!busy && error === undefined && findings.length === 0 ? <p class="muted">{t.try.pick}</p> : null}
      {state.layers.value.length > 0 ? <LayerSettings state={state} /> : null}
      {findings.map((finding, index) => (
        <div key={index}>
          <FindingCard finding={finding} state={state} saliency={saliency} />
          <KeepLink finding={finding} frame={state.frame.value} />
        </div>
      ))}
      {tookMs > 0 && !busy ? <p class="fine">{t.try.answered(t.units.ms(tookMs))}</p> : null}
    </section>
  );
}

function LayerSettings({ state }: { state: ViewerState }) {
  return (
    <div class="layer-settings">
      <label class="inline">
        <span>{t.try.opacity}</span>
        <input
          type="range"
          min="0"
          max="1"
          step="0.05"
          value={state.opacity.value}
          onInput={(event) => (state.opacity.value = Number(event.currentTarget.value))}
        />
      </label>
      <label class="inline">
        <input
          type="checkbox"
          checked={state.outlines.value}
          onChange={(event) => (state.outlines.value = event.currentTarget.checked)}
        />
        <span>{t.try.outlines}</span>
      </label>
    </div>
  );
}

function FindingCard(props: { finding: Finding; state: ViewerState; saliency: SaliencyView }) {
  const { finding, state, saliency } = props;
  const { segmentation, classification } = finding;
  if (segmentation) return <Segmentation answer={segmentation} state={state} />;
  if (classification) return <Classification answer={classification} saliency={saliency} />;
  return null;
}

function Segmentation({ answer, state }: { answer: SegmentResponse; state: ViewerState }) {
  const masks = answer.masks ?? [];
  return (
    <article class="card finding">
      <h3>{`${answer.model.name}@${answer.model.version}`}</h3>
      {masks.map((mask) => (
        <MaskRow key={mask.structure} mask={mask} state={state} id={`${answer.model.name}/${mask.structure}`} />
      ))}
      {masks.some(({ areaMm2, areaPx }) => areaPx !== undefined && areaMm2 === undefined) ? (
        <p class="fine">{t.try.spacing}</p>
      ) : null}
    </article>
  );
}

function MaskRow({ mask, state, id }: { mask: Mask; state: ViewerState; id: string }) {
  const layer = state.layers.value.find((each) => each.id === id);
  const name = mask.structure ?? '';
  const change = (next: (layer: Layer) => Layer): void => {
    state.layers.value = state.layers.value.map((each) => (each.id === id ? next(each) : each));
  };
  const visible = layer?.visible ?? false;
  return (
    <div class="mask-row">
      <input
        type="color"
        value={layer?.colour ?? '#888888'}
        aria-label={t.try.colour(name)}
        onInput={(event) => change((each) => ({ ...each, colour: event.currentTarget.value }))}
      />
      <span class="mask-name">
        {name}
        <small>{measure(mask)}</small>
      </span>
      <button
        type="button"
        class="tool"
        aria-label={visible ? t.try.hide(name) : t.try.show(name)}
        onClick={() => change((each) => ({ ...each, visible: !each.visible }))}
      >
        <Icon name={visible ? 'eye' : 'eyeOff'} />
      </button>
    </div>
  );
}

function Classification({ answer, saliency }: { answer: ClassifyResponse; saliency: SaliencyView }) {
  const model = `${answer.model.name}@${answer.model.version}`;
  const { shown, show, error } = saliency;
  const isShown = (className: string): boolean => shown?.model === model && shown.className === className;
  const classes = [...(answer.probabilities ?? [])].sort((a, b) => (b.probability ?? 0) - (a.probability ?? 0));
  return (
    <article class="card finding">
      <h3>{model}</h3>
      {classes.map(({ className, probability = 0 }) => (
        <div class="class-row" key={className}>
          <span class={className === answer.predictedClass ? 'class-name first' : 'class-name'}>{className}</span>
          <meter min="0" max="1" value={probability} aria-label={className} />
          <span class="number">{t.units.percent(probability)}</span>
          <button
            type="button"
            class="tool"
            aria-pressed={isShown(className)}
            aria-label={t.try.where(className)}
            title={t.try.where(className)}
            onClick={() => show(isShown(className) ? undefined : { model, className })}
          >
            <Icon name="eye" />
          </button>
        </div>
      ))}
      {shown?.model === model && error !== undefined ? <Problem error={error} /> : null}
      {shown?.model === model && error === undefined ? <p class="fine">{t.try.evidence(shown.className)}</p> : null}
    </article>
  );
}
