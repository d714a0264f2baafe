export { createClient, type ClientOptions, type Gatehouse, type Registration, type User } from './client.js';
export type { Api } from './api.js';
export type { EndReason, Session, SessionEvents, SessionListener } from './presence.js';
export type { ErrorCode, FieldProblem, Problem, Result } from './problem.js';
export { localStorageStore, memoryStore, type SessionStore, type StoredSession } from './stores.js';
export type { components, paths } from '../src/schema.js';
