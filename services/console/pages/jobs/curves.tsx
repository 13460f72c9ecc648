import type { EpochMetrics } from '../../../console-kit/api/job-types';
import { Chart } from '../../../console-kit/parts/chart';
import { t } from '../../../console-kit/texts/en';
import { COLOURS } from '../../../console-kit/viewer/layer';

const SCORES = ['mdsc', 'miou', 'pointMdsc', 'accuracy', 'macroF1'] as const;

export function Curves({ epochs }: { epochs: readonly EpochMetrics[] }) {
  if (epochs.length === 0) return null;
  const x = epochs.map(({ epoch }) => epoch);
  const curve = (label: string, key: keyof EpochMetrics, colour: string) => ({
    label,
    colour,
    values: epochs.map((each) => each[key]),
  });
  const scores = SCORES.filter((key) => epochs.some((each) => each[key] !== undefined));
  return (
    <div class="columns">
      <Chart
        title={t.jobs.curves.loss}
        xLabel={t.jobs.curves.epoch}
        x={x}
        series={[
          curve(t.jobs.curves.train, 'trainLoss', COLOURS[6]),
          curve(t.jobs.curves.validation, 'validationLoss', COLOURS[0]),
        ]}
      />
      <Chart
        title={t.jobs.curves.scores}
        xLabel={t.jobs.curves.epoch}
        x={x}
        series={scores.map((key, index) =>
          curve(t.jobs.scoreNames[key], key, COLOURS[[2, 5, 1][index] ?? 4] ?? COLOURS[4]),
        )}
      />
    </div>
  );
}
