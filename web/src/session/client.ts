import { createClient } from 'gatehouse-client';

/** The one client of the pages. The session is in a cookie that no script can read. */
export const gatehouse = createClient({ transport: 'cookie', expiringSeconds: 120 });
