import { token } from '../../console-kit/api/session';
import { currentFile } from '../workspace/current-file';
import { forgetFile } from '../workspace/saved-file';

/** Leaves nothing of the person who signed out: no key, no image, no work on one. */
export async function signOut(): Promise<void> {
  token.value = '';
  currentFile.value = undefined;
  await forgetFile().catch(() => undefined);
  for (const key of Object.keys(sessionStorage)) if (key.startsWith('automed.')) sessionStorage.removeItem(key);
  // A load, so that nothing stays in the memory of the page either.
  location.replace('/');
}
