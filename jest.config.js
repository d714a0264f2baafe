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
  '@fastify/cookie/',
  'cookie/',
  'lru-cache/',
  'fast-check/',
  'pure-rand/',
  'jose/',
];

module.exports = {
  testMatch: ['<rootDir>/test/**/*.(e2e-spec|lock-spec|spec).ts'],
  testEnvironment: 'node',
  globalSetup: '<rootDir>/test/support/global-setup.ts',
  globalTeardown: '<rootDir>/test/support/global-teardown.ts',
  setupFilesAfterEnv: ['<rootDir>/test/support/second-chance.ts'],
  resolver: '<rootDir>/test/support/resolver.js',
  transform: { '^.+\\.[cm]?[jt]s$': '@swc/jest' },
  transformIgnorePatterns: [`/node_modules/(?!(${esmPackages.join('|')}))`],
  // Half of a core idles while a test waits for a letter or a process. Where nobody waits for the tests, they run one
  // after another: the deadlines of the service are those of production, and two busy suites can miss them on two cores.
  maxWorkers: process.env.CI ? 1 : 2,
  // In processes that are replaced as they grow. In one process for all of them each file is slower than the one before
  // (V8 counts the coverage of every file that was ever loaded: the last ones took 11 s instead of one), and what a
  // single file leaves open keeps the run from ending.
  workerIdleMemoryLimit: '1GB',
  testTimeout: 30_000,
  // Not what runs in processes and threads of its own, where Jest does not look: the tests start those for real.
  collectCoverageFrom: [
    'src/**/*.ts',
    '!src/{main,banner,openapi,provision,cli,last-resort,waiting-room}.ts',
    '!src/{cli,tracing}/**',
    '!src/log/destination.ts',
    '!src/schema/cli.ts',
    '!src/auth/passwords/hash.worker.ts',
  ],
  coverageProvider: 'v8',
  coverageThreshold: { global: { lines: 90, branches: 90 } },
};
