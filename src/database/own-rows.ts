/**
 * The role that users' own rows are reached as: it cannot log in, own anything or pass by a policy, whatever the role
 * may do that the service connects as.
 */
export const TENANT_ROLE = 'gatehouse_tenant';

/** The setting of a transaction that says whose rows there are. */
export const USER_ID_SETTING = 'app.user_id';

/** The one policy of every table of users' own rows, for all commands; its condition as PostgreSQL writes it back. */
export const OWN_ROWS_POLICY = {
  name: 'own_rows',
  condition: `(user_id = (NULLIF(current_setting('${USER_ID_SETTING}'::text, true), ''::text))::uuid)`,
};
