/** Nest 12 and a few others ship ES modules only; they are transformed along with the sources. */
const esmPackages = [
  '@nestjs/',
  'nestjs-pino/',
  'pg-boss/',
  'serialize-error/',
  'non-error/',
  'nodemailer/',
  'bcryptjs/',
  'postal-mime/',
  'content-disposition/',
];

module.exports = {
  testMatch: ['<rootDir>/test/**/*.(e2e-spec|lock-spec|spec).ts'],
  testEnvironment: 'node',
  globalSetup: '<rootDir>/test/support/global-setup.ts',
  globalTeardown: '<rootDir>/test/support/global-teardown.ts',
  transform: { '^.+\\.[cm]?[jt]s$': '@swc/jest' },
  transformIgnorePatterns: [`/node_modules/(?!(${esmPackages.join('|')}))`],
  testTimeout: 30_000,
  collectCoverageFrom: ['src/**/*.ts'],
  coverageProvider: 'v8',
  coverageThreshold: { global: { lines: 90, branches: 90 } },
};
