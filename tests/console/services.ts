// Gateway, inference and training as processes on a store of tiny models of random weights, or on a copy of
// AUTOMED_CONSOLE_STORE (a demo's, for pictures that show something).

import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ANY_PORT, type PacsLaunch } from '../../services/stack/programs';
import { Stack } from '../../services/stack/stack';
import { makeStore } from '../support/stack-store';

export interface Running {
  home: string;
  url: string;
  stack: Stack;
  stop(): Promise<void>;
}

interface ServicesOptions {
  roles?: 'inference' | 'all';
  /** Makes the store. */
  fill?: (home: string) => Promise<void>;
  /** A bridge to picture archives. */
  pacs?: (home: string) => PacsLaunch;
}

export async function startServices(options: ServicesOptions = {}): Promise<Running> {
  const { roles = 'inference', fill = fillStore, pacs } = options;
  const home = mkdtempSync(join(tmpdir(), 'automed-console-'));
  const trained = process.env['AUTOMED_CONSOLE_STORE'];
  if (trained !== undefined) cpSync(trained, home, { recursive: true });
  else await fill(home);
  const stack = await Stack.start({
    home,
    processes: [['segmentation', 'classification'], ...(roles === 'all' ? [['training' as const]] : [])],
    address: ANY_PORT,
    httpAddress: ANY_PORT,
    insecure: false,
    startTimeoutMs: 120_000,
    say: () => undefined,
    pacs: pacs?.(home),
  });
  return {
    home,
    url: `http://${stack.httpAddress}`,
    stack,
    stop: async () => {
      await stack.stop();
      rmSync(home, { recursive: true });
    },
  };
}

async function fillStore(home: string): Promise<void> {
  const store = await makeStore(home);
  await store.addSegmentation('polyp', 2, ['polyp', 'vessel']);
  await store.addClassification('tumour');
}
