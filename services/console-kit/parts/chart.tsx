import { useEffect, useRef } from 'preact/hooks';
import UPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';

export interface ChartSeries {
  label: string;
  /** One for each x; undefined where there is none. */
  values: readonly (number | undefined)[];
  colour: string;
}

interface ChartProps {
  title: string;
  xLabel: string;
  x: readonly number[];
  series: readonly ChartSeries[];
}

const HEIGHT = 240;

/** Curves over a shared axis, which follow the width of the page. */
export function Chart({ title, xLabel, x, series }: ChartProps) {
  const root = useRef<HTMLDivElement>(null);
  const plot = useRef<UPlot>(undefined);
  const names = series.map(({ label }) => label).join('|');
  const data = [x, ...series.map(({ values }) => values.map((value) => value ?? null))] as unknown as UPlot.AlignedData;
  useEffect(() => {
    const element = root.current;
    if (!element) return undefined;
    const made = new UPlot(optionsOf(element, xLabel, series), data, element);
    plot.current = made;
    showNewest(made);
    const observer = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height: HEIGHT }));
    observer.observe(element);
    return () => {
      observer.disconnect();
      made.destroy();
    };
  }, [names, xLabel]);
  useEffect(() => {
    plot.current?.setData(data);
    if (plot.current) showNewest(plot.current);
  }, [x, series]);
  const newest = series.map(({ label, values }) => `${label} ${values.at(-1)?.toFixed(4) ?? ''}`).join(', ');
  return (
    <figure class="chart">
      <figcaption>{title}</figcaption>
      <div ref={root} role="img" aria-label={`${title}: ${newest}`} />
    </figure>
  );
}

/** The legend tells the newest values until the pointer asks for others. */
function showNewest(plot: UPlot): void {
  const count = plot.data[0].length;
  if (count > 0) plot.setLegend({ idx: count - 1 });
}

function optionsOf(element: HTMLElement, xLabel: string, series: readonly ChartSeries[]): UPlot.Options {
  const style = getComputedStyle(element);
  const [muted, line] = [style.getPropertyValue('--muted'), style.getPropertyValue('--line')];
  const axis = { stroke: muted, grid: { stroke: line, width: 1 }, ticks: { stroke: line, width: 1 } };
  return {
    width: element.clientWidth,
    height: HEIGHT,
    scales: { x: { time: false } },
    axes: [
      { ...axis, label: xLabel, labelSize: 22, size: 34, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000] },
      { ...axis, size: 56 },
    ],
    series: [
      { label: xLabel },
      ...series.map(({ label, colour }) => ({
        label,
        stroke: colour,
        width: 2,
        points: { size: 5 },
        value: (_: UPlot, value: number | null) => value?.toFixed(4) ?? '',
      })),
    ],
  };
}
