import { SetMetadata } from '@nestjs/common';

export const NEEDS_RECENT_LOGIN = 'needsRecentLogin';

/**
 * For dangerous acts: the password must have been presented in this session within the last 5 minutes, or be in the
 * request as `password`. A session left open on a shared machine is not enough.
 */
export const RecentLogin = () => SetMetadata(NEEDS_RECENT_LOGIN, true);
