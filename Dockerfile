# syntax=docker/dockerfile:1
FROM node:24-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
# The scripts of devDependencies fetch binaries for development; the build needs none of them.
RUN npm ci --ignore-scripts
COPY . .
RUN npm run build && npm prune --omit=dev --ignore-scripts && sh deploy/docker/prune.sh
# `docker exec … gatehouse doctor` (docs/cli.md) without a shell: this names Node where the image below has it.
RUN printf '#!/nodejs/bin/node\nrequire("/app/dist/src/cli.js");\n' > gatehouse && chmod 755 gatehouse

# Node and what it needs of Debian 12: no shell, no package manager, and nobody but root may write.
FROM gcr.io/distroless/nodejs24-debian12:nonroot
ENV NODE_ENV=production
WORKDIR /app
COPY --from=build --chown=root:root /app/gatehouse /usr/local/bin/gatehouse
COPY --from=build --chown=root:root /app/package.json ./
COPY --from=build --chown=root:root /app/node_modules ./node_modules
COPY --from=build --chown=root:root /app/dist ./dist
COPY --from=build --chown=root:root /app/web/static ./web/static
COPY --from=build --chown=root:root /app/web/dist ./web/dist
EXPOSE 3000
HEALTHCHECK --interval=10s --timeout=3s --start-period=15s \
  CMD ["/nodejs/bin/node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT || 3000}/health/live`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# The image's entry point is Node. What the flags are for is told in docs/deployment.md.
CMD ["--max-semi-space-size=4","--heap-growing-percent=15","--no-allocation-site-pretenuring","dist/server/main.js"]
