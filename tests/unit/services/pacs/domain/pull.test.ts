// A pull whose stream breaks, and the one that goes on with it.

import {
  pull,
  type Archive,
  type PullJournal,
  type PullProgress,
  type RemoteInstance,
} from '../../../../../services/pacs/domain/pull';

const STUDY = '1.2.3';
const instances: RemoteInstance[] = Array.from({ length: 6 }, (_, at) => ({
  series: `${STUDY}.1`,
  sopClass: '',
  sopInstance: `${STUDY}.1.${at}`,
}));

/** An archive that sends until somebody stops it or it has sent `most`; object 5 is refused. */
function archiveOf(kept: Set<string>, most: number): Archive {
  return {
    list: async () => instances,
    fetch: async (_wanted, missing, told, signal) => {
      for (const { sopInstance } of missing.slice(0, most)) {
        if (signal.aborted) return;
        if (sopInstance.endsWith('.5')) told.outcome({ refused: 0xa700, message: 'no room' } as never);
        else {
          kept.add(sopInstance);
          told.outcome({ kept: sopInstance } as never);
        }
      }
    },
  };
}

const journalOf = (kept: Set<string>): PullJournal => ({
  missing: (uids) => uids.filter((uid) => !kept.has(uid)),
  expect: () => undefined,
});

async function told(kept: Set<string>, most: number, before?: PullProgress): Promise<PullProgress[]> {
  const all: PullProgress[] = [];
  const signal = new AbortController().signal;
  for await (const each of pull({ study: STUDY }, archiveOf(kept, most), journalOf(kept), signal, before))
    all.push(each);
  return all;
}

test('one that goes on counts what came meanwhile as received, and refused objects once', async () => {
  const kept = new Set([instances[0]!.sopInstance]);
  const first = await told(kept, 2);
  expect(first[0]).toMatchObject({ found: 6, known: 1, received: 0, missing: 5 });
  expect(first.at(-1)).toMatchObject({ found: 6, known: 1, received: 2, refused: 0, missing: 3 });
  // Of the first stream only the first message arrived.
  const second = await told(kept, 6, first[0]);
  expect(second[0]).toMatchObject({ found: 6, known: 1, received: 2, missing: 3 });
  expect(second.at(-1)).toMatchObject({ found: 6, known: 1, received: 4, refused: 1, missing: 1, reason: 'no room' });
  const third = await told(kept, 6, second.at(-1));
  // Everything was heard before: the refused object is tried again and refused again.
  expect(third).toEqual([]);
});

test('a fresh pull of what is all here says so once', async () => {
  const kept = new Set(instances.map(({ sopInstance }) => sopInstance));
  expect(await told(kept, 6)).toEqual([{ found: 6, known: 6, received: 0, refused: 0, missing: 0, reason: '' }]);
});
