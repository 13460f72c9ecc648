// Pictures of what the browser cannot decode: TIFF, and DICOM of most compressions. The server reads it and answers with a PNG.

import { fromBase64, toBase64 } from '../api/bytes';
import { call, CallError, isAbsent, sentence } from '../api/call';
import { t } from '../texts/en';
import type { Picture } from '../viewer/picture';
import { decodeImage, FileError } from './browser-image';

/** Makes a picture of a file. @param frameNumber from 1, of several */
export type Render = (bytes: Uint8Array<ArrayBuffer>, frameNumber?: number) => Promise<Picture>;

/** @throws FileError where the server reads it neither, CallError where it does not answer */
export const renderedByServer: Render = async (bytes, frameNumber) => {
  const image = { encoded: toBase64(bytes), ...(frameNumber === undefined ? {} : { frameNumber }) };
  const answer = await call<{ png: string }>('automed.analysis.v1.AnalysisService', 'RenderImage', { image }).catch(
    (error: unknown) => {
      const unread = isAbsent(error) || (error instanceof CallError && error.status === 'INVALID_ARGUMENT');
      throw unread ? new FileError(t.files.unreadable(sentence(error))) : error;
    },
  );
  return decodeImage(fromBase64(answer.png));
};
