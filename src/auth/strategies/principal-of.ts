import type { Principal } from '../../common/access/principal';
import type { UsedSession } from '../../sessions/authentication.service';

export function principalOf({ id, userId, transport, authenticatedAt }: UsedSession['session']): Principal {
  return { userId, sessionId: id, transport, authenticatedAt };
}
