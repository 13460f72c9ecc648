// How a process learns its place in a process group that trains one model together: PyTorch's variables, then those that
// torchrun and Kubeflow's trainer inject (PET_*), then the index that Kubernetes gives the pods of an Indexed Job.

import { automedError } from '../../common/errors';

export interface RankEnvironment {
  /** From 0; rank 0 registers the model and tells what happens. */
  rank: number;
  worldSize: number;
  /** Among the ranks of this machine; chooses the GPU. */
  localRank: number;
  /** Where rank 0 listens. */
  masterAddress: string;
  masterPort: number;
  /** Until all ranks have come together, milliseconds. */
  rendezvousTimeoutMs: number;
  /** Until an operation of all ranks is given up, milliseconds. */
  collectiveTimeoutMs: number;
}

interface Source {
  /** In the order in which they are looked for. */
  variables: readonly string[];
  /** Text to use when none is set; without it one must be. */
  fallback?: string;
}

interface WholeNumber extends Source {
  min: number;
  max: number;
}

const MAX_RANKS = 4096;
const WEEK_SECONDS = 7 * 24 * 3600;

const NUMBERS = {
  rank: { variables: ['RANK', 'PET_NODE_RANK', 'JOB_COMPLETION_INDEX'], min: 0, max: MAX_RANKS - 1 },
  worldSize: { variables: ['WORLD_SIZE', 'PET_NNODES'], min: 1, max: MAX_RANKS },
  localRank: { variables: ['LOCAL_RANK'], fallback: '0', min: 0, max: MAX_RANKS - 1 },
  // PyTorch's own default.
  masterPort: { variables: ['MASTER_PORT', 'PET_MASTER_PORT'], fallback: '29500', min: 1, max: 65_535 },
  rendezvousSeconds: { variables: ['AUTOMED_RANK_RENDEZVOUS_SECONDS'], fallback: '600', min: 1, max: WEEK_SECONDS },
  collectiveSeconds: { variables: ['AUTOMED_RANK_TIMEOUT_SECONDS'], fallback: '300', min: 1, max: WEEK_SECONDS },
} satisfies Record<string, WholeNumber>;

const MASTER: Source = { variables: ['MASTER_ADDR', 'PET_MASTER_ADDR'] };
const HOST = /^[A-Za-z0-9]([A-Za-z0-9.:-]{0,253}[A-Za-z0-9])?$/;

type Environment = Readonly<Record<string, string | undefined>>;

/** The variable that holds a setting, and its text; an empty variable counts as absent. */
function find(source: Source, environment: Environment): { variable: string; text: string | undefined } {
  const variable = source.variables.find((name) => (environment[name] ?? '') !== '');
  return { variable: variable ?? source.variables[0]!, text: variable ? environment[variable] : source.fallback };
}

function missing({ variables }: Source): string {
  const [first, ...others] = variables;
  return `${first} is missing${others.length > 0 ? `, and so ${others.length > 1 ? 'are' : 'is'} ${others.join(' and ')}` : ''}`;
}

/**
 * Reads a process's place in its process group. Throws INVALID_ARGUMENT that names every variable at fault; `field` is the
 * first of them.
 */
export function parseRankEnvironment(environment: Environment): RankEnvironment {
  const problems: { variable: string; text: string }[] = [];
  const whole = (source: WholeNumber): number => {
    const { variable, text } = find(source, environment);
    const value = Number(text);
    if (text === undefined) problems.push({ variable, text: missing(source) });
    else if (!/^\d+$/.test(text))
      problems.push({ variable, text: `${variable} must be a whole number, not "${text}"` });
    else if (value < source.min || value > source.max)
      problems.push({ variable, text: `${variable} must lie in [${source.min}, ${source.max}], not ${text}` });
    return value;
  };
  const values = Object.fromEntries(Object.entries(NUMBERS).map(([name, source]) => [name, whole(source)])) as Record<
    keyof typeof NUMBERS,
    number
  >;
  const master = find(MASTER, environment);
  if (master.text === undefined) problems.push({ variable: master.variable, text: missing(MASTER) });
  else if (!HOST.test(master.text))
    problems.push({ variable: master.variable, text: `${master.variable} must be a host name or an address` });
  const { rank, worldSize, localRank, masterPort } = values;
  if (problems.length === 0 && rank >= worldSize) {
    const { variable } = find(NUMBERS.rank, environment);
    problems.push({ variable, text: `${variable} must be below ${find(NUMBERS.worldSize, environment).variable}` });
  }
  const [first] = problems;
  if (first) {
    const sentence = problems.map(({ text }) => text).join('; ');
    throw automedError('INVALID_ARGUMENT', `The place of this rank is not clear: ${sentence}.`, {
      field: first.variable,
    });
  }
  return {
    rank,
    worldSize,
    localRank,
    masterAddress: master.text ?? '',
    masterPort,
    rendezvousTimeoutMs: values.rendezvousSeconds * 1000,
    collectiveTimeoutMs: values.collectiveSeconds * 1000,
  };
}

/** What of a place varies between process groups. */
export type RankPlace = Pick<RankEnvironment, 'rank' | 'worldSize' | 'localRank' | 'masterAddress' | 'masterPort'>;

/** The variables that tell a process its place; the other way round. */
export function rankVariables(place: RankPlace): Record<string, string> {
  return {
    RANK: String(place.rank),
    LOCAL_RANK: String(place.localRank),
    WORLD_SIZE: String(place.worldSize),
    MASTER_ADDR: place.masterAddress,
    MASTER_PORT: String(place.masterPort),
  };
}
