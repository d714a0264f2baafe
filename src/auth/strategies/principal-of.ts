import type { Principal } from '../../common/access/principal';
import type { Session } from '../../sessions/session.entity';

export function principalOf({ id, userId, transport, authenticatedAt }: Session): Principal {
  return { userId, sessionId: id, transport, authenticatedAt };
}
