# One image for every service in TypeScript and for the witnesses; what a container runs is its argument: `serve catalog`.
#
#   docker build -t meshmart:dev .
#   docker build -t meshmart:dev --build-arg NODE=24 .
#
# It runs as user 1000 on a root file system that may be read-only, and needs no shell. What it writes goes to /data.
ARG NODE=22
ARG REGISTRY=docker.io/library

FROM ${REGISTRY}/node:${NODE}-bookworm-slim AS build
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
RUN npm ci --no-audit --no-fund --loglevel=error
COPY . .
RUN npm run --silent build \
  && mkdir -p /app/dist /app/proto /app/services /data \
  && cp package.json LICENSE /app/ \
  && cp proto/image.binpb /app/proto/ \
  && cp -r dist/bundle /app/dist/ \
  && for service in services/*/; do mkdir "/app/$service" && cp "$service/service.yaml" "/app/$service"; done \
  && node build/image-modules.mjs /app/node_modules \
  && npm sbom --omit=dev --sbom-format=spdx > /app/sbom.spdx.json

FROM ${REGISTRY}/node:${NODE}-bookworm-slim
# Nothing is installed when it runs.
RUN rm -rf /usr/local/lib/node_modules /usr/local/bin/npm /usr/local/bin/npx /usr/local/bin/corepack
COPY --from=build /app /app
COPY --from=build --chown=1000:1000 /data /data
ENV NODE_ENV=production MESHMART_DATA=/data
WORKDIR /data
USER 1000:1000
ENTRYPOINT ["node", "--enable-source-maps=false", "--max-semi-space-size=4", "/app/dist/bundle/mesh/cli/main.js"]
CMD ["--help"]
