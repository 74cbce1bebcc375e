import { invalidField } from '../../mesh/contract/error.js';
import { format, zero } from '../../mesh/contract/money.js';
import type { EdgePorts, EdgeService } from '../../mesh/runtime/edge.js';
import { CatalogServiceDefinition } from '../../proto/gen/meshmart/catalog/v1/catalog.js';
import { createFront } from './front.js';
import { createHttpServer } from './http-server.js';
import { createLimits } from './limits.js';
import { openApi } from './openapi.js';
import { page, type Shown } from './page.js';
import { routePathOf } from './path-template.js';
import { memoryRateLimiter, type RateLimiter } from './rate-limiter.js';
import { sharedRateLimiter } from './shared-rate-limiter.js';
import { type RouteWorld, restHandler } from './transcode.js';

/** The front door. */
export const edge: EdgeService = {
  schema: [],
  build: (ports) => {
    const checkLimits = createLimits(ports, rateLimiterOf(ports));
    const http = createHttpServer(ports);
    const stopping = new AbortController();
    const world: RouteWorld = { ports, checkLimits, stopping: stopping.signal, spanOf: http.spanOf };
    for (const method of ports.policies.values()) {
      if (ports.ownerOf(method.service) === undefined || method.exposure === 'internal') continue;
      for (const binding of method.http) {
        http.app.route({
          method: binding.verb,
          url: routePathOf(binding.template).url,
          config: { streams: method.kind === 'server_streaming' },
          // Asked for its head alone, a stream would have nothing to say and no end.
          exposeHeadRoute: method.kind !== 'server_streaming',
          handler: restHandler(world, method, binding),
        });
      }
    }
    addOwnPages(ports, http.app);
    return {
      front: createFront(ports, checkLimits),
      listen: async () => ({ httpUrl: await http.listen() }),
      drain: async (graceMs) => {
        stopping.abort();
        await http.close(graceMs);
      },
    };
  },
};

function rateLimiterOf({ buckets, clock, log }: EdgePorts): RateLimiter {
  const fallback = memoryRateLimiter(clock);
  return buckets === undefined ? fallback : sharedRateLimiter({ buckets, fallback, clock, log });
}

/** The pages that are no method of a contract. */
function addOwnPages(ports: EdgePorts, app: ReturnType<typeof createHttpServer>['app']): void {
  let description: string | undefined;
  app.get('/healthz', async (_request, reply) =>
    reply.header('cache-control', 'no-store').send({ status: 'alive' }),
  );
  app.get('/readyz', async (_request, reply) => {
    const readiness = await ports.readiness();
    return reply
      .code(readiness.ready ? 200 : 503)
      .header('cache-control', 'no-store')
      .send(readiness);
  });
  app.get('/openapi.json', async (_request, reply) => {
    description ??= JSON.stringify(
      openApi({ contract: ports.contract, policies: ports.policies, version: ports.overview().version }),
    );
    return reply.header('content-type', 'application/json; charset=utf-8').send(description);
  });
  app.get('/', async (request, reply) => {
    if (request.url.includes('?')) throw invalidField('query', 'query.unknown', 'the page takes no query');
    const html = page(ports.overview(), await ports.readiness(), await shelf(ports));
    return reply.header('content-type', 'text/html; charset=utf-8').send(html);
  });
}

/** A dozen products for the page; none when the catalogue is away, because the page must tell just then. */
async function shelf(ports: EdgePorts): Promise<Shown[]> {
  try {
    const catalog = ports.client(CatalogServiceDefinition);
    const { products } = await ports.background({ deadlineMs: 500 }, (context) =>
      catalog.listProducts({ pageSize: 12 }, context),
    );
    return products.map(({ id, name, price, picturePath }) => ({
      id,
      name,
      price: format(price ?? zero('EUR')),
      picturePath,
    }));
  } catch {
    return [];
  }
}
