// `npm run test:fuzz`: 100,000 hostile calls, minutes, apart from the tests that run at every change.

const base = require('../../jest.config.cjs');

/** @type {import('jest').Config} */
module.exports = {
  ...base,
  rootDir: '../..',
  testMatch: ['<rootDir>/tests/fuzz/**/*.fuzz.ts'],
  testTimeout: 7_200_000,
  maxWorkers: 1,
};
