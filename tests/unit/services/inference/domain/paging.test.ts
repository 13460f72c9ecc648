import { paginate } from '../../../../../services/inference/domain/paging';

const items = ['b@2', 'a@10', 'a@9', 'b@1', 'c@1'];
const self = (item: string): string => item;

test('walks the whole list page by page, by name and then by number', () => {
  const seen: string[] = [];
  let pageToken = '';
  do {
    const page = paginate(items, self, { pageSize: 2, pageToken });
    seen.push(...page.items);
    pageToken = page.nextPageToken;
  } while (pageToken !== '');
  expect(seen).toEqual(['a@9', 'a@10', 'b@1', 'b@2', 'c@1']);
});

test('neither repeats nor hides items when others come and go between pages', () => {
  const first = paginate(items, self, { pageSize: 2, pageToken: '' });
  const changed = ['a@9', 'b@1', 'b@2', 'c@1', 'a@1'];
  const second = paginate(changed, self, { pageSize: 9, pageToken: first.nextPageToken });
  expect(second.items).toEqual(['b@1', 'b@2', 'c@1']);
});

test.each([-1, 1001])('paging refuses a page size of %i', (pageSize) => {
  expect(() => paginate(items, self, { pageSize, pageToken: '' })).toThrow(
    expect.objectContaining({ field: 'page_size' }),
  );
});

test('paging refuses a token of another list', () => {
  expect(() => paginate(items, self, { pageSize: 1, pageToken: 'AAAA' })).toThrow(
    expect.objectContaining({ code: 'INVALID_ARGUMENT', field: 'page_token' }),
  );
});
