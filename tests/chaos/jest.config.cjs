// `npm run test:chaos`: minutes of killing processes, apart from the tests that run at every change.

const base = require('../../jest.config.cjs');

/** @type {import('jest').Config} */
module.exports = {
  ...base,
  rootDir: '../..',
  testMatch: ['<rootDir>/tests/chaos/**/*.chaos.ts'],
  testTimeout: 1_800_000,
  maxWorkers: 1,
};
