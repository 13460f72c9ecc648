import { readFile } from 'node:fs/promises';
import type { VerifyResultRequest__Output } from '../../../proto/gen/automed/pacs/v1/VerifyResultRequest';
import type { VerifyResultResponse } from '../../../proto/gen/automed/pacs/v1/VerifyResultResponse';
import type { Verification } from '../../analysis';
import { automedError } from '../../common/errors';
import { bidi } from '../../common/grpc/handlers';
import type { Logger } from '../../common/logging';
import { readIdentity } from '../../dicom-results';
import { withReceivedFiles } from '../adapters/received-files';

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

export function verifyResult(log: Logger, { home, hasRoom, kept, verify }: VerifyDeps) {
  return bidi<VerifyResultRequest__Output, VerifyResultResponse>(log, async (call, { signal }) => {
    // The stream stays open for the answer.
    const parts = call.iterator({ destroyOnReturn: false }) as AsyncIterable<VerifyResultRequest__Output>;
    const verification = await withReceivedFiles(home, parts, { hasRoom }, async ([first, ...images]) => {
      if (first === undefined) throw automedError('INVALID_ARGUMENT', 'There is no result.', { field: 'data' });
      const result = await readFile(first);
      const paths = images.length > 0 ? images : kept(readIdentity(result).images);
      return verify(result, paths, signal);
    });
    call.write(toResponse(verification));
  });
}
