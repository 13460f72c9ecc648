// Lint rules. Who may import whom is in .dependency-cruiser.cjs.

import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import js from '@eslint/js';
import tseslint from 'typescript-eslint';

const root = dirname(fileURLToPath(import.meta.url));

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

/** Node's own never ends where a folder takes none (/proc). */
const endlessFolders = {
  selector: "CallExpression[callee.name=/^mkdir(Sync)?$/] Property[key.name='recursive']",
  message: 'Use makeFolder() or makeFolderSync() of common/make-folder.',
};

export default tseslint.config(
  {
    ignores: [
      'docs/examples/*.ts',
      'node_modules/',
      'build/',
      'dist/',
      'coverage/',
      '.libtorch/',
      '.automed/',
      'proto/gen/',
    ],
  },
  js.configs.recommended,
  {
    files: ['**/*.ts', '**/*.tsx'],
    extends: [tseslint.configs.recommendedTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { project: './tsconfig.json', tsconfigRootDir: root } },
    rules: {
      'no-duplicate-imports': 'error',
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
    // For browsers, with types of their own.
    files: ['services/console{,-kit}/**/*.ts', 'services/console{,-kit}/**/*.tsx'],
    languageOptions: { parserOptions: { project: './services/console/tsconfig.json', tsconfigRootDir: root } },
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
    ignores: ['services/common/timers.ts', 'services/console{,-kit}/**'],
    rules: { 'no-restricted-syntax': ['error', ...farDelays] },
  },
  {
    files: ['services/**/*.ts'],
    ignores: ['services/common/timers.ts', 'services/console{,-kit}/**'],
    rules: { 'no-restricted-syntax': ['error', ...farDelays, endlessFolders] },
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
