import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { AfterCommit } from '../database/after-commit';
import { AnnouncedCache } from '../database/announced-cache';
import { Notifications } from '../database/notifications';
import type { LiveSession } from './live-session';

/** Some 400 bytes each. */
const MOST_SESSIONS = 20_000;

/** The live sessions this process has seen, so that a hot session costs no query. A revocation is a change. */
@Injectable()
export class SessionCache extends AnnouncedCache<LiveSession> implements OnApplicationBootstrap {
  /** Requests whose session was answered from memory, and those that needed a query. */
  hits = 0;
  misses = 0;

  constructor(notifications: Notifications, afterCommit: AfterCommit) {
    super({ channel: 'session_revoked', max: MOST_SESSIONS }, notifications, afterCommit);
  }
}
