import { parseCsv } from '../../../../../services/datasets/tables/csv-text';

describe('parseCsv', () => {
  it('understands quotes, doubled quotes, line breaks in quotes, CRLF, a byte order mark and a missing last newline', () => {
    expect(parseCsv('\uFEFFa,b\r\n"x, y","say ""hi""\nthere"\n\n1,')).toEqual([
      ['a', 'b'],
      ['x, y', 'say "hi"\nthere'],
      ['1', ''],
    ]);
  });
});

describe('parseCsv of tables that programs write', () => {
  it.each([
    [
      'a quote within a value',
      'a,b\n5" scope,1\n"x",2',
      [
        ['a', 'b'],
        ['5" scope', '1'],
        ['x', '2'],
      ],
    ],
    [
      'carriage returns alone',
      'a,b\r1,2\r',
      [
        ['a', 'b'],
        ['1', '2'],
      ],
    ],
    [
      'commas in the name of a column',
      'a;age, years, x\n1;2',
      [
        ['a', 'age, years, x'],
        ['1', '2'],
      ],
    ],
    [
      'commas in numbers',
      'a;b\n1,5;2,5',
      [
        ['a', 'b'],
        ['1,5', '2,5'],
      ],
    ],
  ])('understands %s', (_, text, rows) => expect(parseCsv(text)).toEqual(rows));
});
