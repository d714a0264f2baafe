/** Who may import whom. Each rule's comment says what to do instead. */
const FEATURES = 'users|sessions|tasks|mail|audit|health|metrics|rate-limit|auth';
const INFRASTRUCTURE = 'common|config|database|jobs';

module.exports = {
  forbidden: [
    {
      name: 'no-cycles',
      severity: 'error',
      comment: 'Pull what both sides need into a third file, or turn the direction round.',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'common-is-a-leaf',
      severity: 'error',
      comment: 'common knows nothing of the application, but for the typed Config.',
      from: { path: '^src/common' },
      to: { path: '^src/(?!common|config/config\\.ts)' },
    },
    {
      name: 'infrastructure-knows-no-feature',
      severity: 'error',
      comment: 'A feature registers itself with the infrastructure, not the other way round.',
      from: { path: `^src/(${INFRASTRUCTURE})/` },
      to: { path: `^src/(${FEATURES}|docs|pages|schema)/` },
    },
    {
      name: 'config-and-database-are-low',
      severity: 'error',
      comment: 'The order is jobs → database → config.',
      from: { path: '^src/(config|database)/' },
      to: { path: '^src/jobs/' },
    },
    {
      name: 'small-features-stand-alone',
      severity: 'error',
      comment: 'Only auth and cli combine features.',
      from: { path: '^src/(users|tasks|mail|audit|metrics|rate-limit)/' },
      to: { path: `^src/(${FEATURES})/`, pathNot: '^src/$1/' },
    },
    {
      name: 'sessions-know-audit-and-owners',
      severity: 'error',
      comment: 'Sessions are read with their owners; what becomes of an account is decided in auth.',
      from: { path: '^src/sessions/' },
      to: { path: `^src/(${FEATURES})/`, pathNot: '^src/(sessions|audit|users)/' },
    },
    {
      name: 'features-by-their-front-door',
      severity: 'error',
      comment:
        'Another feature is reached through its module, its services, its entities as types, its response DTOs.',
      from: { path: `^src/(${FEATURES})/` },
      to: {
        path: `^src/(${FEATURES})/`,
        pathNot: ['^src/$1/', '\\.(module|service|entity)\\.ts$', 'dto/[\\w-]+\\.response\\.ts$'],
      },
    },
    {
      name: 'nobody-imports-auth',
      severity: 'error',
      comment: 'auth exports nothing: it is where requests come in.',
      from: { path: '^src/(?!auth|app\\.|cli/)' },
      to: { path: '^src/auth/' },
    },
    {
      name: 'cli-takes-rules-from-auth',
      severity: 'error',
      comment:
        'What an operator does to an account obeys the rules of the flows (policy, counts, tokens, keys); the flows are for requests.',
      from: { path: '^src/cli/' },
      to: {
        path: '^src/auth/',
        pathNot: [
          '^src/auth/passwords/(new-passwords|passwords\\.module)\\.ts$',
          '^src/auth/tokens/(one-time-tokens|signing-keys|(reset|verification)-token\\.entity)\\.ts$',
          '^src/auth/back-off/(failure-ids|login-failures)\\.ts$',
        ],
      },
    },
    {
      name: 'cli-stands-on-top',
      severity: 'error',
      comment: 'The service knows nothing of its command line.',
      from: { path: '^src/(?!cli)' },
      to: { path: '^src/cli' },
    },
    {
      name: 'services-know-no-http',
      severity: 'error',
      comment: 'Services, entities, jobs and workers are called by the HTTP layer and never call it.',
      from: { path: '\\.(service|entity|job|worker)\\.ts$' },
      to: { path: '\\.(controller|guard|strategy|filter|decorator|request|response|responses)\\.ts$' },
    },
    {
      name: 'one-reader-of-the-environment',
      severity: 'error',
      comment: 'Inject Config.',
      from: { path: '^src/(?!config|provision\\.ts)' },
      to: { path: '^src/config/(?!config\\.ts|config\\.module\\.ts|env\\.ts|tracing\\.ts)' },
    },
    {
      name: 'development-only-packages-are-lazy',
      severity: 'error',
      comment:
        'The production image has no devDependencies: load them where they are used, outside production only.',
      from: { path: '^src' },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'], dynamic: false },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default'],
    },
  },
};
