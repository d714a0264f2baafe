import createFetchClient, { type Client } from 'openapi-fetch';
import type { paths } from '../src/schema.js';
import type { Problem } from './problem.js';
import { toResponse, type Reply, type Route } from './wire.js';

type OkStatus = 200 | 201 | 202 | 204;

/** Any call may fail in ways that its own documentation does not name: offline, behind a proxy, under a limit. */
type Failing<Operation> = Operation extends { responses: infer Responses }
  ? Omit<Operation, 'responses'> & {
      responses: Pick<Responses, keyof Responses & OkStatus> & {
        default: { content: { 'application/problem+json': Problem } };
      };
    }
  : Operation;

type FailingPaths = {
  [Path in keyof paths]: { [Method in keyof paths[Path]]: Failing<paths[Path][Method]> };
};

/** The calls of the service, typed by its OpenAPI document. */
export type Api = Pick<Client<FailingPaths>, 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'use' | 'eject'>;

/** Of a request that middleware has put in the place of ours. */
const UNKNOWN: Route = { path: '', parseAs: 'json' };

export function createApi(
  baseUrl: string,
  credentials: 'include' | undefined,
  call: (request: Request, route: Route) => Promise<Reply>,
): Api {
  const routes = new WeakMap<Request, Route>();
  const client = createFetchClient<FailingPaths>({
    baseUrl,
    ...(credentials ? { credentials } : {}),
    fetch: async (request) => toResponse(await call(request, routes.get(request) ?? UNKNOWN)),
  });
  client.use({
    onRequest({ request, schemaPath, options }) {
      routes.set(request, { path: schemaPath, parseAs: options.parseAs });
    },
  });
  return client;
}
