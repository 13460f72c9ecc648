import type { StateCount } from '../api/pacs';
import { StateChip } from './state-chip';

/** How many analyses or deliveries are in each state. */
export const workCounts = (all: readonly StateCount[] = []) =>
  all.map(({ state, count }) => (
    <span key={state} class="count">
      {count} <StateChip state={state} prefix="WORK_STATE_" />
    </span>
  ));
