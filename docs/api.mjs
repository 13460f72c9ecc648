// Writes docs/api/ from the protos: a page for each package, and an index; with --check only says whether the pages are true.
//
// protoc-gen-doc, the usual generator, is a Go program that neither npm nor Debian has, and npm has no other that is kept. So
// the protos are compiled by buf, whose descriptors hold the comments, and the tables are drawn here.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const OUTPUT = join(ROOT, 'docs', 'api');

// Numbers of the fields of FileDescriptorProto, DescriptorProto, EnumDescriptorProto and ServiceDescriptorProto, of which
// the paths of comments are made.
const IN_FILE = { message: 4, enumeration: 5, service: 6 };
const MEMBER = { message: 2, enumeration: 2, service: 2 };
const NESTED = { message: 3, enumeration: 4 };

/** The files of the API with their comments. */
function compile() {
  const buf = ['buf', 'build', 'proto', '--as-file-descriptor-set', '-o', '-#format=json'];
  const run = spawnSync('npx', buf, { cwd: ROOT, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
  if (run.status !== 0) throw new Error(`buf build failed: ${run.stderr}`);
  return JSON.parse(run.stdout).file.filter(({ name }) => name.startsWith('automed/'));
}

/** The comment of what lies at a path, as one paragraph for each that it has. */
function commentsOf(file) {
  const comments = new Map(
    file.sourceCodeInfo.location.map(({ path = [], leadingComments = '' }) => [path.join('.'), leadingComments]),
  );
  return (...path) =>
    (comments.get(path.join('.')) ?? '')
      .trim()
      .split(/\n\s*\n/)
      .map((paragraph) => paragraph.replace(/\s*\n\s*/g, ' ').trim());
}

const cell = (paragraphs) => paragraphs.join('<br>').replaceAll('|', '\\|');
const table = (head, rows) =>
  rows.length === 0
    ? []
    : [
        `| ${head.join(' | ')} |`,
        `|${' --- |'.repeat(head.length)}`,
        ...rows.map((row) => `| ${row.join(' | ')} |`),
        '',
      ];

/** A link to a message or enum, from a page of `home`. */
function linked(typeName, home) {
  const full = typeName.slice(1);
  const [, page, name] = /^(automed\.\w+\.v\d+)\.(.+)$/.exec(full) ?? [];
  if (page === undefined) return `\`${full}\``;
  const shown = page === home ? name : full;
  // The anchor that the heading of a message has on GitHub.
  return `[${shown}](${page === home ? '' : `${page}.md`}#${name.replaceAll('.', '').toLowerCase()})`;
}

function typeOf(field, message, home) {
  const named = (each) => (each.typeName ? linked(each.typeName, home) : each.type.slice(5).toLowerCase());
  const entry = (message.nestedType ?? []).find(
    ({ name, options }) => options?.mapEntry && field.typeName?.endsWith(`.${message.name}.${name}`),
  );
  if (entry) return `map of ${entry.field.map(named).join(' to ')}`;
  if (field.label === 'LABEL_REPEATED') return `repeated ${named(field)}`;
  return field.proto3Optional ? `optional ${named(field)}` : named(field);
}

/** @param outer what stands before the name of a message within a message */
function messageLines(message, comment, home, outer = '') {
  const rows = (message.field ?? []).map((field, index) => {
    const choice =
      field.oneofIndex === undefined || field.proto3Optional ? undefined : message.oneofDecl[field.oneofIndex];
    const type = typeOf(field, message, home);
    return [
      field.number,
      `\`${field.name}\``,
      choice ? `${type}, one of \`${choice.name}\`` : type,
      cell(comment(MEMBER.message, index)),
    ];
  });
  const name = `${outer}${message.name}`;
  const within = (kind, declared, lines) =>
    (declared ?? []).flatMap((each, index) =>
      each.options?.mapEntry ? [] : lines(each, (...path) => comment(NESTED[kind], index, ...path), home, `${name}.`),
    );
  return [
    `### ${name}`,
    '',
    ...comment().flatMap((each) => [each, '']),
    ...table(['#', 'field', 'type', 'meaning'], rows),
    ...within('message', message.nestedType, messageLines),
    ...within('enumeration', message.enumType, enumLines),
  ];
}

function enumLines({ name, value }, comment, _home, outer = '') {
  const rows = value.map((each, index) => [
    each.number ?? 0,
    `\`${each.name}\``,
    cell(comment(MEMBER.enumeration, index)),
  ]);
  return [
    `### ${outer}${name}`,
    '',
    ...comment().flatMap((each) => [each, '']),
    ...table(['#', 'value', 'meaning'], rows),
  ];
}

function serviceLines({ name, method }, comment, home) {
  const side = (type, streams) => `${streams ? 'stream of ' : ''}${linked(type, home)}`;
  const rows = method.map((each, index) => [
    `\`${each.name}\``,
    side(each.inputType, each.clientStreaming),
    side(each.outputType, each.serverStreaming),
    cell(comment(MEMBER.service, index)),
  ]);
  return [
    `## ${name}`,
    '',
    ...comment().flatMap((each) => [each, '']),
    ...table(['method', 'asks', 'answers', 'does'], rows),
  ];
}

/** What a file declares, of one kind, as lines. */
function sections(file, kind, declared, lines) {
  const comment = commentsOf(file);
  return (declared ?? []).flatMap((each, index) =>
    lines(each, (...path) => comment(IN_FILE[kind], index, ...path), file.package),
  );
}

function page(name, files) {
  const services = files.flatMap((file) => sections(file, 'service', file.service, serviceLines));
  const messages = files.flatMap((file) => sections(file, 'message', file.messageType, messageLines));
  const enums = files.flatMap((file) => sections(file, 'enumeration', file.enumType, enumLines));
  const note = `Generated from ${files.map((file) => `[${file.name}](../../proto/${file.name})`).join(', ')} by \`npm run docs:api\`.`;
  const parts = [
    services,
    messages.length > 0 ? ['## Messages', '', ...messages] : [],
    enums.length > 0 ? ['## Enums', '', ...enums] : [],
  ];
  return [`# ${name}`, '', note, '', ...parts.flat()].join('\n');
}

function index(packages) {
  const rows = [...packages].flatMap(([name, files]) => {
    const services = files.flatMap((file) =>
      (file.service ?? []).map((service, position) => {
        const [does] = commentsOf(file)(IN_FILE.service, position);
        return [`[${name}](${name}.md)`, `[${service.name}](${name}.md#${service.name.toLowerCase()})`, cell([does])];
      }),
    );
    return services.length > 0 ? services : [[`[${name}](${name}.md)`, '', 'Messages that the others share.']];
  });
  const text =
    'Every service, message and field, generated from the protos by `npm run docs:api`. Conventions, and the table of errors: [proto/README.md](../../proto/README.md).';
  return ['# The API', '', text, '', ...table(['package', 'service', 'does'], rows)].join('\n');
}

const packages = new Map();
for (const file of compile()) packages.set(file.package, [...(packages.get(file.package) ?? []), file]);
const sorted = new Map([...packages].sort(([a], [b]) => a.localeCompare(b)));
const pages = new Map([...sorted].map(([name, files]) => [`${name}.md`, page(name, files)]));
pages.set('README.md', index(sorted));

const there = existsSync(OUTPUT) ? readdirSync(OUTPUT) : [];
if (process.argv.includes('--check')) {
  const isTrue = ([name, text]) => there.includes(name) && readFileSync(join(OUTPUT, name), 'utf8') === text;
  if (there.some((name) => !pages.has(name)) || ![...pages].every(isTrue)) {
    console.error('docs/api does not say what the protos say: npm run docs:api');
    process.exitCode = 1;
  }
} else {
  mkdirSync(OUTPUT, { recursive: true });
  for (const name of there) rmSync(join(OUTPUT, name));
  for (const [name, text] of pages) writeFileSync(join(OUTPUT, name), text);
}
