import type { Session } from './session.entity';

/**
 * What requests ask of a session that lives, as it is kept in memory: a quarter of what the row would take, whose dates and
 * bytes are objects. Times are milliseconds since the epoch.
 */
export interface LiveSession extends Pick<
  Session,
  'id' | 'userId' | 'transport' | 'generation' | 'isGenerationUsed'
> {
  /** In base64url. Null of a bearer session: only a cookie is compared with what is in memory. */
  secretHash: string | null;
  createdAt: number;
  lastUsedAt: number;
  authenticatedAt: number;
  expiresAt: number;
}

export function liveSessionOf(session: Session): LiveSession {
  const { id, userId, transport, generation, isGenerationUsed } = session;
  return {
    id,
    userId,
    transport,
    generation,
    isGenerationUsed,
    secretHash: transport === 'cookie' ? session.secretHash.toString('base64url') : null,
    createdAt: session.createdAt.getTime(),
    lastUsedAt: session.lastUsedAt.getTime(),
    authenticatedAt: session.authenticatedAt.getTime(),
    expiresAt: session.expiresAt.getTime(),
  };
}
