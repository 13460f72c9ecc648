import { KeptRuns, type Placed, type Reader } from '../../../../services/common/kept-runs';
import { eventually } from '../../../support/grpc';

/** Work that tells 1, 2, ... as it is let, until it is let to end or nobody listens. */
function work(): {
  run: (signal: AbortSignal) => AsyncIterable<number>;
  next: () => void;
  end: () => void;
  aborted: () => boolean;
} {
  let [wake, told, ended, aborted] = [(): void => undefined, 0, false, false];
  let wanted = 0;
  return {
    async *run(signal) {
      signal.addEventListener('abort', () => {
        aborted = true;
        wake();
      });
      while (!aborted && (!ended || told < wanted)) {
        if (told < wanted) yield (told += 1);
        else await new Promise<void>((resolve) => (wake = resolve));
      }
    },
    next: () => {
      wanted += 1;
      wake();
    },
    end: () => {
      ended = true;
      wake();
    },
    aborted: () => aborted,
  };
}

const reader = (keepMs: number, owner = 'key:a'): Reader & { leave: () => void } => {
  const controller = new AbortController();
  return { owner, keepMs, signal: controller.signal, leave: () => controller.abort() };
};

async function take(events: AsyncGenerator<Placed<number>>): Promise<Placed<number>> {
  const { value, done } = await events.next();
  if (done) throw new Error('it ended');
  return value;
}

test('who comes back hears what was told meanwhile, once, and the end', async () => {
  const runs = new KeptRuns<number>();
  const { run, next, end } = work();
  const first = runs.begin(run, reader(60_000));
  const begun = await take(first);
  expect(begun.event).toBeUndefined();
  next();
  const one = await take(first);
  expect(one.event).toBe(1);
  await first.return(undefined);
  next();
  next();
  end();
  const heard: (number | undefined)[] = [];
  for await (const { event } of runs.resume(one.token, reader(60_000))) heard.push(event);
  expect(heard).toEqual([undefined, 2, 3]);
  const all: (number | undefined)[] = [];
  for await (const { event } of runs.resume(begun.token, reader(0))) all.push(event);
  expect(all).toEqual([undefined, 1, 2, 3]);
});

test('a run without a reader ends at once, or when its time is over', async () => {
  const runs = new KeptRuns<number>();
  for (const keepMs of [0, 20]) {
    const { run, aborted } = work();
    const events = runs.begin(run, reader(keepMs));
    const { token } = await take(events);
    await events.return(undefined);
    await eventually(aborted);
    expect(() => runs.resume(token, reader(0))).toThrow(
      expect.objectContaining({ code: 'NOT_FOUND', field: 'resume_token' }),
    );
  }
});

test('the last reader decides how long it goes on', async () => {
  const runs = new KeptRuns<number>();
  const { run, aborted } = work();
  const events = runs.begin(run, reader(60_000));
  const { token } = await take(events);
  await events.return(undefined);
  const last = runs.resume(token, reader(0));
  await take(last);
  expect(aborted()).toBe(false);
  await last.return(undefined);
  expect(aborted()).toBe(true);
});

test("a run is its own caller's, and few go on without one", async () => {
  const runs = new KeptRuns<number>();
  const all = Array.from({ length: 9 }, work);
  const tokens: string[] = [];
  for (const { run } of all) {
    const events = runs.begin(run, reader(60_000));
    tokens.push((await take(events)).token);
    await events.return(undefined);
  }
  expect(all.map(({ aborted }) => aborted())).toEqual([...Array<boolean>(8).fill(false), true]);
  expect(() => runs.resume(tokens[0]!, reader(60_000, 'key:b'))).toThrow(
    expect.objectContaining({ code: 'NOT_FOUND' }),
  );
  for (const token of [tokens[0]!.replace(/\d+$/, '7'), 'x', '', `${'0'.repeat(32)}.0`]) {
    expect(() => runs.resume(token, reader(0))).toThrow(expect.objectContaining({ field: 'resume_token' }));
  }
});

test('work that has ended takes no place of work that goes on, and its ends are kept by number', async () => {
  const runs = new KeptRuns<number>();
  const tokens: string[] = [];
  for (let at = 0; at < 66; at += 1) {
    const { run, end } = work();
    end();
    const events = runs.begin(run, reader(60_000));
    tokens.push((await take(events)).token);
    await expect(events.next()).resolves.toMatchObject({ done: true });
  }
  const { run, aborted } = work();
  const events = runs.begin(run, reader(60_000));
  const { token } = await take(events);
  await events.return(undefined);
  expect(aborted()).toBe(false);
  const isKept = tokens.map((each) => {
    try {
      return runs.resume(each, reader(60_000)) !== undefined;
    } catch {
      return false;
    }
  });
  expect(isKept).toEqual(tokens.map((_, at) => at >= 2));
  await runs.resume(token, reader(0)).next();
});
