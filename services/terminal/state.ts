/** The state of a job, a data set or an evaluation without its prefix: RUNNING. */
export function stateOf({ state }: { state: string }): string {
  return state.replace(/^.*_STATE_/, '');
}
