import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { AfterCommit } from '../database/after-commit';
import { AnnouncedCache } from '../database/announced-cache';
import { Notifications } from '../database/notifications';
import type { UserView } from './user.entity';

/** Some 400 bytes each. */
const MOST_USERS = 20_000;

/** The accounts whose owners have looked at them. */
@Injectable()
export class UserCache extends AnnouncedCache<UserView> implements OnApplicationBootstrap {
  constructor(notifications: Notifications, afterCommit: AfterCommit) {
    super({ channel: 'user_changed', max: MOST_USERS }, notifications, afterCommit);
  }
}
