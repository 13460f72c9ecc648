// `npm run test:deploy`: the chart, against Kubernetes' schemas and the services' own settings. Fetches helm the first time.

const base = require('../../jest.config.cjs');

/** @type {import('jest').Config} */
module.exports = { ...base, rootDir: '../..', testMatch: ['<rootDir>/tests/deploy/**/*.deploy.ts'] };
