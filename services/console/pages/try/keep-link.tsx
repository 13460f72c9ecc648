import { useEffect, useState } from 'preact/hooks';
import { addReview } from '../../../console-kit/api/reviews';
import type { Finding } from '../../../console-kit/api/types';
import { Problem } from '../../../console-kit/parts/notice';
import { t } from '../../../console-kit/texts/en';
import { currentFile } from '../../workspace/current-file';
import { imageOf } from '../../workspace/image-of';

/** Queue of answers that somebody wanted to point at. */
const QUEUE = 'kept';

/** Keeps an answer with its image on the server, and links to it. */
export function KeepLink({ finding, frame }: { finding: Finding; frame: number }) {
  const [id, setId] = useState('');
  const [error, setError] = useState<unknown>();
  useEffect(() => {
    setId('');
    setError(undefined);
  }, [finding]);
  const keep = async (): Promise<void> => {
    const file = currentFile.peek();
    if (!file) return;
    // The id instead of the name of the file, which may be that of a patient.
    const review = { queue: QUEUE, name: `${file.id}/${frame}`, group: '', origin: '' };
    setId((await addReview({ ...review, image: imageOf(file, frame), finding })).id);
  };
  return (
    <div aria-live="polite">
      {id === '' ? (
        <button type="button" class="button quiet small" onClick={() => void keep().catch(setError)}>
          {t.result.keep}
        </button>
      ) : (
        <p class="fine">
          {t.result.kept} <a href={`/results/${id}`}>{`/results/${id}`}</a>
        </p>
      )}
      {error === undefined ? null : <Problem error={error} />}
    </div>
  );
}
