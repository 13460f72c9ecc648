// `npm run test:deploy`: the chart, against Kubernetes' schemas and the services' own settings. Fetches helm the first time.

const base = require('../../jest.config.cjs');

/** @type {import('jest').Config} */
module.exports = {
  ...base,
  rootDir: '../..',
  testMatch: ['<rootDir>/tests/deploy/**/*.deploy.ts'],
  // Side by side each file would fetch helm into the same folder, and break what the other has fetched.
  maxWorkers: 1,
};
