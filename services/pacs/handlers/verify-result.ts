import { readFile } from 'node:fs/promises';
import type { VerifyResultRequest__Output } from '../../../proto/gen/automed/pacs/v1/VerifyResultRequest';
import type { VerifyResultResponse } from '../../../proto/gen/automed/pacs/v1/VerifyResultResponse';
import type { Verification } from '../../analysis';
import { automedError } from '../../common/errors';
import { bidi } from '../../common/grpc/handlers';
import type { Logger } from '../../common/logging';
import { readIdentity } from '../../dicom-results';
import { KeptRuns } from '../../common/kept-runs';
import { withReceivedFiles } from '../../common/received-files';

/** How long a comparison goes on for a caller that has lost its stream, milliseconds. */
const KEEP_MS = 120_000;

export interface VerifyDeps {
  /** Folder of the bridge. */
  home: string;
  hasRoom: () => boolean;
  /** Paths of images that the bridge keeps, by their SOP Instance UIDs. */
  kept: (uids: readonly string[]) => string[];
  verify: (result: Uint8Array, paths: readonly string[], signal: AbortSignal) => Promise<Verification>;
}

function toResponse({ equal, agreements, differences, images }: Verification): VerifyResultResponse {
  return {
    equal,
    agreements,
    differences: differences.map(({ what, was, is }) => ({ what, was, now: is })),
    imageCount: images,
  };
}

export function verifyResult(log: Logger, deps: VerifyDeps) {
  const runs = new KeptRuns<VerifyResultResponse>();
  return bidi<VerifyResultRequest__Output, VerifyResultResponse>(log, async (call, { signal, principal }) => {
    // The stream stays open for the answer.
    const parts = call.iterator({ destroyOnReturn: false }) as AsyncIterator<VerifyResultRequest__Output>;
    const first = await parts.next();
    const resumeToken = first.done ? '' : first.value.resumeToken;
    const reader = { owner: principal, keepMs: KEEP_MS, signal };
    if (resumeToken !== '') return tell(runs.resume(resumeToken, reader));
    const { files, leave } = await received(deps, beginningWith(first, parts));
    const compare = async function* (ended: AbortSignal) {
      try {
        yield toResponse(await verifyFiles(deps, files, ended));
      } finally {
        leave();
      }
    };
    return tell(runs.begin(compare, reader));

    async function tell(answers: ReturnType<typeof runs.begin>): Promise<void> {
      for await (const { token, event } of answers) call.write({ ...event, resumeToken: token });
    }
  });
}

/** Compares the first of some files by the others, or by what the bridge keeps. */
async function verifyFiles(
  { kept, verify }: VerifyDeps,
  [first, ...images]: readonly string[],
  signal: AbortSignal,
): Promise<Verification> {
  if (first === undefined) throw automedError('INVALID_ARGUMENT', 'There is no result.', { field: 'data' });
  const result = await readFile(first);
  return verify(result, images.length > 0 ? images : kept(readIdentity(result).images), signal);
}

/** The files of a stream, until they are left. */
function received(
  { home, hasRoom }: VerifyDeps,
  parts: AsyncIterable<VerifyResultRequest__Output>,
): Promise<{ files: readonly string[]; leave: () => void }> {
  return new Promise((resolve, reject) => {
    const held = (files: readonly string[]) => new Promise<void>((leave) => resolve({ files, leave }));
    withReceivedFiles(home, parts, { hasRoom }, held).catch(reject);
  });
}

async function* beginningWith<T>(first: IteratorResult<T>, rest: AsyncIterator<T>): AsyncGenerator<T> {
  for (let next = first; !next.done; next = await rest.next()) yield next.value;
}
