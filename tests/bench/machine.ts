import { readFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { availableCores } from '../../services/common/cores';

/** What speed depends on; figures of different machines are not compared. */
export interface Machine {
  cpu: string;
  /** That this process may use. */
  cores: number;
  /** Instructions that kernels are chosen by. */
  features: string[];
  node: string;
  /** Processes that wanted a processor in the minute before: more than the cores, and the times are those of waiting, too. */
  loadAverage: number;
}

const FEATURES = [
  ...['avx2', 'avx512f', 'avx512_vnni', 'avx512_bf16', 'amx_tile', 'amx_bf16'],
  ...['asimd', 'bf16'], // of Arm
];

export function machine(): Machine {
  const info = readFileSync('/proc/cpuinfo', 'utf8');
  const flags = new Set((/^(?:flags|Features)\s*:(.*)$/m.exec(info)?.[1] ?? '').trim().split(/\s+/));
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: availableCores(),
    features: FEATURES.filter((name) => flags.has(name)),
    node: process.version,
    loadAverage: Number(loadavg()[0]?.toFixed(1)),
  };
}

/** @throws where results come from different machines: their times say nothing about the programs */
export function requireSameMachine(one: Machine, other: Machine): void {
  const told = ({ cpu, cores, features }: Machine): string => `${cores} cores of ${cpu} (${features.join(', ')})`;
  if (told(one) === told(other)) return;
  throw new Error(`results of different machines are not compared: ${told(one)}, and ${told(other)}`);
}
