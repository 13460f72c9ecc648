// `npm run test:e2e`: what is served to others, under load, while everything about it changes. Apart from the tests of every change.

const base = require('../../../jest.config.cjs');

/** @type {import('jest').Config} */
module.exports = {
  ...base,
  rootDir: '../../..',
  testMatch: ['<rootDir>/tests/e2e/served/**/*.served.ts'],
  testTimeout: 600_000,
  maxWorkers: 1,
};
