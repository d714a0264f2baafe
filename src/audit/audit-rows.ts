import type { EventContent, EventMacs, LinkContent } from './audit-keys';

export type StoredEvent = EventContent & EventMacs;
export type StoredLink = LinkContent & { hash: Buffer };

/** An event of `audit_events AS e`. */
export const EVENT_COLUMNS = `e.id, e.action, e.user_id AS "userId", e.session_id AS "sessionId", e.ip,
  e.user_agent AS "userAgent", e.request_id AS "requestId", e.created_at AS "createdAt", e.mac,
  e.client_mac AS "clientMac"`;

/** A link of `audit_links AS l`. The driver would shift a date by the local time zone, and a bigint is text to it. */
export const LINK_COLUMNS = `l.sequence, l.month::text AS month, l.event_id AS "eventId",
  l.event_created_at AS "eventCreatedAt", l.event_mac AS "eventMac", l.dropped::text AS dropped,
  l.previous_hash AS "previousHash", l.hash, l.sealed_at AS "sealedAt"`;

export type EventRow = { [Name in keyof StoredEvent]: StoredEvent[Name] | null };
export type LinkRow = Omit<StoredLink, 'sequence'> & { sequence: string };

/** Undefined where an outer join found none. */
export function eventOf({ id, action, userId, ...rest }: EventRow): StoredEvent | undefined {
  if (id === null) return undefined;
  const { sessionId, ip, userAgent, requestId, createdAt, mac, clientMac } = rest;
  return {
    id,
    action,
    userId,
    sessionId,
    ip,
    userAgent,
    requestId,
    createdAt,
    mac,
    clientMac,
  } as StoredEvent;
}

export function linkOf({ sequence, ...rest }: LinkRow): StoredLink {
  return { ...rest, sequence: Number(sequence) };
}

/** First day of the month of a moment, in UTC. */
export function monthOf(moment: Date): string {
  return `${moment.toISOString().slice(0, 7)}-01`;
}
