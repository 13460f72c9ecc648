// What the comments of the protos owe to a reader: the range of every number.

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const ROOT = join(__dirname, '..', '..', '..');
const NUMBERS = ['TYPE_INT32', 'TYPE_INT64', 'TYPE_FLOAT', 'TYPE_DOUBLE'];
// Numbers of the fields `message_type` of a file, and `field` and `nested_type` of a message, of which the paths of comments are made.
const [MESSAGES, FIELDS, NESTED] = [4, 2, 3];

interface Message {
  name: string;
  field?: { name: string; type: string }[];
  nestedType?: Message[];
  options?: { mapEntry?: boolean };
}

interface File {
  name: string;
  messageType?: Message[];
  sourceCodeInfo: { location: { path?: number[]; leadingComments?: string }[] };
}

interface Field {
  name: string;
  type: string;
  comment: string;
}

const isMapEntry = ({ options }: Message): boolean => options?.mapEntry === true;

function fieldsWithComments(): Field[] {
  const buf = join(ROOT, 'node_modules', '.bin', 'buf');
  const args = ['build', 'proto', '--as-file-descriptor-set', '-o', '-#format=json'];
  const { stdout } = spawnSync(buf, args, { cwd: ROOT, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
  const { file: files } = JSON.parse(stdout) as { file: File[] };
  return files
    .filter(({ name }) => name.startsWith('automed/'))
    .flatMap(({ messageType = [], sourceCodeInfo }) => {
      const comments = new Map(
        sourceCodeInfo.location.map(({ path = [], leadingComments = '' }) => [path.join('.'), leadingComments]),
      );
      const fieldsOf = (message: Message, at: readonly number[]): Field[] => [
        ...(message.field ?? []).map(({ name, type }, index) => ({
          name: `${message.name}.${name}`,
          type,
          comment: comments.get([...at, FIELDS, index].join('.')) ?? '',
        })),
        ...(message.nestedType ?? []).flatMap((inner, index) =>
          isMapEntry(inner) ? [] : fieldsOf(inner, [...at, NESTED, index]),
        ),
      ];
      return messageType.flatMap((message, index) => fieldsOf(message, [MESSAGES, index]));
    });
}

test('every number of the API has its range in its comment', () => {
  const numbers = fieldsWithComments().filter(({ type }) => NUMBERS.includes(type));
  expect(numbers.length).toBeGreaterThan(150);
  expect(numbers.filter(({ comment }) => !/`[[(]/.test(comment)).map(({ name }) => name)).toEqual([]);
});
