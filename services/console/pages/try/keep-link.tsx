import { useState } from 'preact/hooks';
import { addReview } from '../../../console-kit/api/reviews';
import type { Finding } from '../../../console-kit/api/types';
import { Problem } from '../../../console-kit/parts/notice';
import { t } from '../../../console-kit/texts/en';
import { currentFile } from '../../workspace/current-file';
import { imageOf } from '../../workspace/image-of';

/** Queue of answers that somebody wanted to point at. */
const QUEUE = 'kept';

/** What became of an answer that somebody wanted to keep. */
type Outcome = { of: Finding } & ({ id: string } | { error: unknown });

/** Keeps an answer with its image on the server, and links to it. */
export function KeepLink({ finding, frame }: { finding: Finding; frame: number }) {
  const [outcome, setOutcome] = useState<Outcome>();
  // One that comes late belongs to the answer that was kept, not to the one that is shown now.
  const own = outcome?.of === finding ? outcome : undefined;
  const keep = async (): Promise<void> => {
    const file = currentFile.peek();
    if (!file) return;
    // The id instead of the name of the file, which may be that of a patient.
    const review = { queue: QUEUE, name: `${file.id}/${frame}`, group: '', origin: '' };
    const { id } = await addReview({ ...review, image: imageOf(file, frame), finding });
    setOutcome({ of: finding, id });
  };
  return (
    <div aria-live="polite">
      {own && 'id' in own ? (
        <p class="fine">
          {t.result.kept} <a href={`/results/${own.id}`}>{`/results/${own.id}`}</a>
        </p>
      ) : (
        <button
          type="button"
          class="button quiet small"
          onClick={() => void keep().catch((error: unknown) => setOutcome({ of: finding, error }))}
        >
          {t.result.keep}
        </button>
      )}
      {own && 'error' in own ? <Problem error={own.error} /> : null}
    </div>
  );
}
