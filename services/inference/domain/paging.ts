import { automedError } from '../../common/errors';

export interface Page<T> {
  items: T[];
  nextPageToken: string;
}

/**
 * Cuts a page out of a list whose order is stable. The token names the last item of the page before, so that what is
 * added or deleted meanwhile neither repeats nor hides others.
 */
export function paginate<T>(
  items: readonly T[],
  keyOf: (item: T) => string,
  request: { pageSize: number; pageToken: string },
): Page<T> {
  const { pageSize, pageToken } = request;
  if (pageSize < 0 || pageSize > 1000) {
    throw automedError('INVALID_ARGUMENT', `A page size of ${pageSize} is outside [0, 1000].`, { field: 'page_size' });
  }
  const size = pageSize === 0 ? 100 : pageSize;
  const after = pageToken === '' ? undefined : Buffer.from(pageToken, 'base64url').toString('utf8');
  if (after !== undefined && !/^[^@\s]+@\d+$/.test(after)) {
    throw automedError('INVALID_ARGUMENT', 'The page token is not one of this list.', { field: 'page_token' });
  }
  const compare = (left: string, right: string): number => compareKeys(left, right);
  const rest = [...items]
    .sort((left, right) => compare(keyOf(left), keyOf(right)))
    .filter((item) => after === undefined || compare(keyOf(item), after) > 0);
  const page = rest.slice(0, size);
  const last = page.at(-1);
  const nextPageToken = rest.length > size && last ? Buffer.from(keyOf(last)).toString('base64url') : '';
  return { items: page, nextPageToken };
}

/** `name@version`: by name, then by number. */
function compareKeys(left: string, right: string): number {
  const [leftName = '', leftVersion = '0'] = left.split('@');
  const [rightName = '', rightVersion = '0'] = right.split('@');
  if (leftName !== rightName) return leftName < rightName ? -1 : 1;
  return Number(leftVersion) - Number(rightVersion);
}
