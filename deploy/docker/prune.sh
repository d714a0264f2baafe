#!/bin/sh
# Leaves of dist/ and node_modules/ in this folder what the service needs to run. Types, source maps and the same code once
# more for bundlers and browsers are most of the rest. The build of the image calls it; it works without Docker as well.
set -eu
[ -d dist ] && [ -d node_modules ] || { echo 'call it where dist/ and node_modules/ are' >&2; exit 2; }

find dist node_modules -type f \( -name '*.map' -o -name '*.d.ts' -o -name '*.d.mts' -o -name '*.d.cts' \) -delete

cd node_modules
# Of these, Node loads other files.
rm -rf @opentelemetry/*/build/esm @opentelemetry/*/build/esnext class-transformer/bundles class-transformer/esm* \
  class-validator/bundles class-validator/esm* dayjs/esm es-toolkit/dist/browser* handlebars/dist/amd libphonenumber-js/bundle \
  luxon/build/amd luxon/build/es6 luxon/build/global luxon/src rxjs/dist/bundles rxjs/dist/esm rxjs/src \
  swagger-ui-dist/swagger-ui-es-bundle*.js typeorm/browser validator/es
# Tests and measurements of those who publish them.
rm -rf @fastify/*/test @fastify/*/benchmark* bintrees/test fast-json-stringify/test fast-json-stringify/benchmark fast-uri/test \
  fastify/test find-my-way/test find-my-way/benchmark pino/test pino/benchmarks pino/docs pino-pretty/test sonic-boom/test \
  thread-stream/test
# Of the build: a plugin of @nestjs/swagger and the completion of nest-commander ask for them, and neither is used here.
rm -rf typescript prettier @types .bin
