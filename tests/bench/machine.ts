import { readFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { availableCores } from '../../services/common/cores';

/** What speed depends on; figures of different machines are not compared. */
export interface Machine {
  cpu: string;
  /** That this process may use. */
  cores: number;
  /** Vector instructions that LibTorch has kernels for. */
  features: string[];
  node: string;
  /** Processes that wanted a processor in the minute before: more than the cores, and the times are those of waiting, too. */
  loadAverage: number;
}

const FEATURES = ['avx2', 'avx512f', 'avx512_bf16', 'amx_bf16', 'asimd', 'bf16'];

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
