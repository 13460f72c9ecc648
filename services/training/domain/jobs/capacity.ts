// What of the machine a job gets. A rank of a training takes a worker's place, as a worker of its own would.

/** What the service may use. */
export interface Capacity {
  /** Workers at once. */
  concurrency: number;
  /** LibTorch threads of each. */
  threadsPerJob: number;
  /** Set where several ranks run on other machines: LibTorch threads of each rank. */
  remoteThreads?: number;
}

/** What one job takes of it. */
export interface Share {
  /** Workers' places. */
  places: number;
  /** LibTorch threads of each of its processes. */
  threads: number;
}

/** Of a training whose ranks run elsewhere; as many as a specification may name. */
const MOST_REMOTE_RANKS = 4096;

/**
 * A rank takes a place and its threads. More ranks than there are places take them all and share the threads of all, one at
 * least; ranks on other machines take the place of the one process that follows them.
 */
export function shareOf(ranks: number, { concurrency, threadsPerJob, remoteThreads }: Capacity): Share {
  if (ranks > 1 && remoteThreads !== undefined) return { places: 1, threads: remoteThreads };
  if (ranks <= concurrency) return { places: ranks, threads: threadsPerJob };
  return { places: concurrency, threads: Math.max(1, Math.floor((concurrency * threadsPerJob) / ranks)) };
}

/** Ranks that one training may have: a thread each. */
export function mostRanks({ concurrency, threadsPerJob, remoteThreads }: Capacity): number {
  return remoteThreads === undefined ? concurrency * threadsPerJob : MOST_REMOTE_RANKS;
}
