import { percentile } from '../../../services/terminal/statistics';
import type { BareRelay, BareTimes } from './bare-relay';
import type { CallTimes, MeasuredBuild, Stage } from './build';

export const STAGES: readonly Stage[] = [
  ...(['decode', 'queue', 'preprocess', 'inference', 'postprocess', 'encode', 'server', 'transport', 'wall'] as const),
];

/** Median and quartiles, milliseconds. */
export interface Spread {
  median: number;
  low: number;
  high: number;
}

export interface BuildTimes {
  stages: Record<Stage, Spread>;
  /** Everything of a call that is not inference. */
  rest: Spread;
  /** What the way through the gateway takes besides, from pairs of calls. */
  gatewayHop: Spread;
  /** Of the processors for each call, inference included, as half of the calls go through the gateway: what neighbours leave alike. */
  cpuMs: number;
}

/** The same messages through a relay that does nothing. */
export type BareSpread = Record<keyof BareTimes, Spread>;

export interface MeasuredCalls {
  builds: BuildTimes[];
  bare: BareSpread;
}

export function spread(values: readonly number[]): Spread {
  return { median: percentile(values, 0.5), low: percentile(values, 0.25), high: percentile(values, 0.75) };
}

const WARM_UP = 8;

/**
 * Calls every build, and a relay that does nothing, in turn, so that whatever else the machine does meets all of them.
 * @param images each of which comes through the gateway once, and then past it, when its embedding is held
 */
export async function measureCalls(
  builds: readonly MeasuredBuild[],
  relay: BareRelay,
  images: readonly Buffer[],
): Promise<MeasuredCalls> {
  const times = builds.map((): { through: CallTimes[]; hop: number[] } => ({ through: [], hop: [] }));
  const bare: BareTimes[] = [];
  for (const image of images.slice(0, WARM_UP)) {
    for (const build of builds) await build.segment(image);
    await relay.send(image);
  }
  const counted = images.slice(WARM_UP);
  const before = builds.map((build) => build.cpuMs());
  for (const [call, image] of counted.entries()) {
    // Whoever comes first finds other caches than who comes next.
    const order = builds.map((_, index) => (index + call) % builds.length);
    for (const index of order) {
      const through = await builds[index]!.segment(image);
      const direct = await builds[index]!.segment(image, 'direct');
      times[index]!.through.push(through);
      times[index]!.hop.push(through.transport - direct.transport);
    }
    bare.push(await relay.send(image));
  }
  const taken = builds.map((build, index) => (build.cpuMs() - (before[index] ?? 0)) / (2 * counted.length));
  const measured = times.map(({ through, hop }, index) => ({
    cpuMs: taken[index] ?? NaN,
    stages: Object.fromEntries(STAGES.map((stage) => [stage, spread(through.map((each) => each[stage]))])) as Record<
      Stage,
      Spread
    >,
    rest: spread(through.map(({ wall, inference }) => wall - inference)),
    gatewayHop: spread(hop),
  }));
  return {
    builds: measured,
    bare: { direct: spread(bare.map(({ direct }) => direct)), hop: spread(bare.map(({ hop }) => hop)) },
  };
}
