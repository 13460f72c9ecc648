// `npm run test:console`: the console as a person uses it, with Debian's Chromium.

const base = require('../../jest.config.cjs');

/** @type {import('jest').Config} */
module.exports = {
  ...base,
  rootDir: '../..',
  testMatch: ['<rootDir>/tests/console/**/*.console.ts'],
  maxWorkers: 1,
};
