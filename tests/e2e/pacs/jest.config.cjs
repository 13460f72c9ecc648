// `npm run test:pacs`: minutes with a real archive, apart from the tests that run at every change.

const base = require('../../../jest.config.cjs');

/** @type {import('jest').Config} */
module.exports = {
  ...base,
  rootDir: '../../..',
  globalSetup: '<rootDir>/tests/e2e/pacs/setup.cjs',
  testMatch: ['<rootDir>/tests/e2e/pacs/**/*.pacs.ts'],
  testTimeout: 1_200_000,
  maxWorkers: 1,
};
