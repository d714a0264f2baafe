const base = require('../../jest.config.js');

/** Real pages in a real Chromium, against the real service: `npm run test:browser`. */
module.exports = {
  ...base,
  rootDir: '../..',
  testMatch: ['<rootDir>/test/browser/**/*.browser-spec.ts'],
  // One browser at a time: what is measured is pages, not how many of them a machine can bear.
  maxWorkers: 1,
  testTimeout: 90_000,
  collectCoverage: false,
  coverageThreshold: undefined,
};
