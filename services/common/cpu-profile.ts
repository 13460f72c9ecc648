// A CPU profile of the JavaScript of this process, as Chrome's developer tools and VS Code read it (.cpuprofile).

import type { IncomingMessage, ServerResponse } from 'node:http';
import { Session } from 'node:inspector/promises';
import { sleepMs } from './timers';

export const PROFILE_PATH = '/debug/cpu-profile';
const LONGEST_SECONDS = 60;
const DEFAULT_SECONDS = 10;
/** Between two samples, microseconds. */
const SAMPLE_US = 1_000;

/** What a request is refused with. */
interface Refusal {
  status: number;
  why: string;
}

/** Takes one profile at a time, where only this machine can ask for it. */
export class CpuProfiler {
  private busy = false;

  /** @param local whether only this machine reaches the listener */
  constructor(private readonly local: boolean) {}

  /** Answers GET /debug/cpu-profile?seconds=N; who goes away ends it. */
  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const seconds = secondsOf(request.url ?? '');
    const refusal = this.refusalOf(request, seconds);
    if (refusal) {
      response.writeHead(refusal.status, { 'content-type': 'text/plain' }).end(`${refusal.why}\n`);
      return;
    }
    this.busy = true;
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    try {
      const profile = await profileFor(seconds, gone.signal);
      response.writeHead(200, {
        'content-type': 'application/json',
        'content-disposition': 'attachment; filename="automed.cpuprofile"',
      });
      response.end(JSON.stringify(profile));
    } finally {
      this.busy = false;
    }
  }

  private refusalOf({ headers }: IncomingMessage, seconds: number): Refusal | undefined {
    if (!this.local) {
      return { status: 403, why: 'A profile is given only where AUTOMED_METRICS_ADDRESS is on loopback.' };
    }
    // A page that is open in a browser on this machine must not make it work.
    const { origin, 'sec-fetch-site': site = 'none' } = headers;
    if (origin !== undefined || site !== 'none') return { status: 403, why: 'Pages may not ask for a profile.' };
    if (!Number.isInteger(seconds) || seconds < 1 || seconds > LONGEST_SECONDS) {
      return { status: 400, why: `seconds must be a whole number in [1, ${LONGEST_SECONDS}].` };
    }
    return this.busy ? { status: 409, why: 'Another profile is being taken.' } : undefined;
  }
}

function secondsOf(url: string): number {
  const text = new URL(url, 'http://localhost').searchParams.get('seconds');
  return text === null ? DEFAULT_SECONDS : Number(text === '' ? NaN : text);
}

async function profileFor(seconds: number, signal: AbortSignal): Promise<object> {
  const session = new Session();
  session.connect();
  try {
    await session.post('Profiler.enable');
    await session.post('Profiler.setSamplingInterval', { interval: SAMPLE_US });
    await session.post('Profiler.start');
    await sleepMs(seconds * 1000, { signal, unref: true }).catch(() => undefined);
    return (await session.post('Profiler.stop')).profile;
  } finally {
    session.disconnect();
  }
}
