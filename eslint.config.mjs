// Lint rules, and with them the arrows between the rooms of the house (who may import whom).

import { dirname, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import js from '@eslint/js';
import tseslint from 'typescript-eslint';

const root = dirname(fileURLToPath(import.meta.url));

/** Rooms of services/ that others use as libraries. */
const LIBRARIES = new Set(['common', 'store', 'imaging']);

/** What one service may take from another besides: it composes roles, or shares a protocol of pure types and functions. */
const EXCEPTIONS = [
  { from: 'services/inference', to: /^services\/(segmentation|classification)\// },
  { from: 'services/cli', to: /^services\/training\/(protocol|training-spec-message|domain\/(gang\/)?[a-z-]+)$/ },
];

/** Rooms that must run without the addon, so that they stay small and cannot crash with it. */
const WITHOUT_ADDON = new Set(['gateway', 'cli', 'pacs']);

const slashes = (path) => path.split(sep).join('/');
const roomOf = (path) => /^services\/([^/]+)\//.exec(path)?.[1];

/** Says what is wrong with `from` importing `to` (paths from the root, `to` without extension), or nothing. */
function forbiddenImport(from, to, typeOnly) {
  const inTests = from.startsWith('tests/');
  if (inTests) return undefined;
  if (to.startsWith('tests/')) return 'nothing imports tests';
  const fromRoom = roomOf(from);
  if (from.startsWith('native/') && to.startsWith('services/')) return 'native/ knows nothing of the services';
  if (!fromRoom) return undefined;
  if (to.startsWith('native/') && !typeOnly) {
    const errors = from === 'services/common/errors.ts' && to === 'native/lib/errors';
    if (WITHOUT_ADDON.has(fromRoom)) return `services/${fromRoom} runs without the addon`;
    if (!errors && !from.includes('/adapters/')) return 'only adapters/ import native/lib';
  }
  const toRoom = roomOf(`${to}/`);
  if (!toRoom || toRoom === fromRoom || LIBRARIES.has(toRoom)) {
    return fromRoom === 'common' && toRoom && toRoom !== 'common'
      ? 'services/common knows no other service'
      : undefined;
  }
  const excepted = EXCEPTIONS.some((rule) => from.startsWith(`${rule.from}/`) && rule.to.test(to));
  return excepted || typeOnly ? undefined : `services/${fromRoom} and services/${toRoom} meet over gRPC`;
}

const GRPC = /^(@grpc\/|grpc-health-check|nice-grpc)/;

const importArrows = {
  meta: { type: 'problem', schema: [], messages: { arrow: '{{from}} must not import {{to}}: {{why}}.' } },
  create(context) {
    const from = slashes(relative(root, context.filename));
    const check = (node, source, typeOnly) => {
      if (typeof source !== 'string') return;
      const local = source.startsWith('.');
      const to = local
        ? slashes(relative(root, resolve(dirname(context.filename), source))).replace(/\.[cm]?[jt]s$/, '')
        : source;
      const inDomain = /^services\/[^/]+\/domain\//.test(from);
      const why = local
        ? forbiddenImport(from, to, typeOnly)
        : inDomain && GRPC.test(source)
          ? 'domain/ knows nothing of gRPC'
          : undefined;
      if (why) context.report({ node, messageId: 'arrow', data: { from, to, why } });
    };
    const onlyTypes = (node) =>
      node.importKind === 'type' ||
      node.exportKind === 'type' ||
      (node.specifiers?.length > 0 &&
        node.specifiers.every((one) => one.importKind === 'type' || one.exportKind === 'type'));
    return {
      ImportDeclaration: (node) => check(node, node.source.value, onlyTypes(node)),
      ExportAllDeclaration: (node) => check(node, node.source.value, onlyTypes(node)),
      ExportNamedDeclaration: (node) => node.source && check(node, node.source.value, onlyTypes(node)),
      ImportExpression: (node) => check(node, node.source.value, false),
    };
  },
};

/** `arguments.N` of a call is neither a number nor a constant of the file. */
const computed = (index) =>
  `[arguments.${index}]:not([arguments.${index}.type='Literal']):not([arguments.${index}.name=/^[A-Z][A-Z0-9_]*$/])`;

/** Node fires a timer of more than 2^31 - 1 ms at once; afterMs() and sleepMs() wait for as long as they are told. */
const TIMERS = ['setTimeout', 'setInterval'].flatMap((name) => [
  { call: `CallExpression[callee.name='${name}']`, delay: 1 },
  { call: `CallExpression[callee.property.name='${name}']`, delay: 1 },
]);
const farDelays = [
  ...TIMERS,
  { call: "CallExpression[callee.name='sleep']", delay: 0 },
  { call: "CallExpression[callee.object.name='AbortSignal'][callee.property.name='timeout']", delay: 0 },
].map(({ call, delay }) => ({
  selector: `${call}${computed(delay)}`,
  message: 'A computed delay may exceed what a timer holds: use afterMs() or sleepMs() of common/timers.',
}));

const automed = { rules: { 'import-arrows': importArrows } };

export default tseslint.config(
  { ignores: ['node_modules/', 'build/', 'dist/', 'coverage/', '.libtorch/', '.automed/', 'proto/gen/'] },
  js.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.recommendedTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { project: './tsconfig.json', tsconfigRootDir: root } },
    plugins: { automed },
    rules: {
      'automed/import-arrows': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/prefer-promise-reject-errors': ['error', { allowThrowingUnknown: true }],
      'no-restricted-exports': ['error', { restrictDefaultExports: { direct: true, named: true } }],
      'max-lines-per-function': ['error', { max: 60, skipBlankLines: true, skipComments: true }],
      'max-lines': ['error', { max: 500 }],
      '@typescript-eslint/non-nullable-type-assertion-style': 'off',
      '@typescript-eslint/dot-notation': ['error', { allowIndexSignaturePropertyAccess: true }],
      eqeqeq: 'error',
    },
  },
  {
    files: ['services/**/*.ts'],
    ignores: ['services/**/config.ts'],
    rules: {
      'no-restricted-properties': [
        'error',
        { object: 'process', property: 'env', message: 'Only config.ts reads the environment.' },
      ],
    },
  },
  {
    files: ['services/**/*.ts', 'native/**/*.ts', 'native/**/*.mjs'],
    ignores: ['services/common/timers.ts'],
    rules: { 'no-restricted-syntax': ['error', ...farDelays] },
  },
  {
    files: ['tests/**/*.ts'],
    // A describe() block is as long as its tests.
    // Jest's asymmetric matchers (expect.objectContaining) are typed `any`.
    rules: {
      'max-lines-per-function': 'off',
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      'no-restricted-syntax': [
        'error',
        {
          selector: "CallExpression[callee.property.name='toMatchObject'] Property > Literal[regex]",
          message: 'To toMatchObject a regular expression is an object without keys, which everything has.',
        },
      ],
    },
  },
  {
    files: ['**/*.mjs', '**/*.cjs'],
    languageOptions: {
      globals: Object.fromEntries(
        [
          'process',
          'console',
          'Buffer',
          'URL',
          'setTimeout',
          'clearTimeout',
          'setInterval',
          'clearInterval',
          'fetch',
        ].map((name) => [name, 'readonly']),
      ),
    },
  },
  {
    files: ['**/*.cjs'],
    languageOptions: {
      sourceType: 'commonjs',
      globals: { module: 'writable', require: 'readonly', __dirname: 'readonly' },
    },
  },
);
