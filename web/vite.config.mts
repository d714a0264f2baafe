import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { defineConfig, type Plugin } from 'vite';

/** Where `npm start` listens, for `npx vite web`, which serves the pages from their sources. */
const SERVICE = process.env.PUBLIC_URL ?? 'http://localhost:3000';

export default defineConfig({
  oxc: { jsx: { runtime: 'automatic' } },
  resolve: { alias: { 'gatehouse-client': join(import.meta.dirname, '../client/src/index.ts') } },
  // web/static is served by the service, as it is.
  publicDir: false,
  build: {
    target: 'es2023',
    // Everything in one script: a page that is open while a new version is installed never asks for a file that is gone.
    rolldownOptions: { output: { codeSplitting: false } },
    // Inlined images would be data: URLs, which nothing here needs.
    assetsInlineLimit: 0,
    modulePreload: false,
    reportCompressedSize: false,
  },
  server: {
    proxy: Object.fromEntries(['/api', '/dev', '/docs', '/openapi.json'].map((path) => [path, SERVICE])),
  },
  plugins: [compressed()],
});

/** Lays a .br and a .gz beside every asset, so that the service compresses nothing while it serves. */
function compressed(): Plugin {
  return {
    name: 'compressed',
    apply: 'build',
    writeBundle({ dir = '' }) {
      const folder = join(dir, 'assets');
      for (const file of readdirSync(folder).filter((name) => /\.(js|css|svg)$/.test(name))) {
        const content = readFileSync(join(folder, file));
        writeFileSync(join(folder, `${file}.br`), brotliCompressSync(content));
        writeFileSync(join(folder, `${file}.gz`), gzipSync(content, { level: 9 }));
      }
    },
  };
}
