import type { Catalog, Column, Constraint, IndexShape, Trigger } from './catalog';

/** What migrations make and no entity says: tables that are reached by SQL alone, and triggers. A test holds it equal to them. */
export const BEYOND_ENTITIES: Omit<Catalog, 'triggers'> & { triggers: Omit<Trigger, 'isEnabled'>[] } = {
  columns: [
    ...columns('audit_head', {
      is_only: 'boolean not null default true',
      sequence: 'bigint not null',
      hash: 'bytea not null',
    }),
    ...columns('audit_links', {
      sequence: 'bigint not null',
      month: 'date not null',
      event_id: 'uuid',
      event_created_at: 'timestamp(3) with time zone',
      event_mac: 'bytea',
      dropped: 'int8multirange',
      previous_hash: 'bytea not null',
      hash: 'bytea not null',
      sealed_at: 'timestamp(3) with time zone not null',
    }),
    ...columns('audit_pending', {
      position: 'bigint not null',
      event_id: 'uuid not null',
      event_created_at: 'timestamp(3) with time zone not null',
    }),
  ],
  indexes: [
    index('audit_links', 'ix_audit_links_dropped', ['sequence'], { predicate: 'dropped IS NOT NULL' }),
    index('audit_links', 'ux_audit_links_event', ['event_id', 'month'], { isUnique: true }),
  ],
  constraints: [
    constraint('audit_head', 'ck_audit_head_only', 'check', ['is_only']),
    constraint('audit_head', 'pk_audit_head', 'primary key', ['is_only']),
    constraint('audit_links', 'pk_audit_links', 'primary key', ['sequence', 'month']),
    constraint('audit_pending', 'pk_audit_pending', 'primary key', ['position']),
  ],
  // Without these the promise that they keep is void, and nothing else would tell.
  triggers: [
    { table: 'audit_events', name: 'tr_audit_events_kept' },
    { table: 'audit_events', name: 'tr_audit_events_not_truncated' },
    { table: 'audit_events', name: 'tr_audit_events_pending' },
    { table: 'audit_events', name: 'tr_audit_events_unchanged' },
    { table: 'audit_links', name: 'tr_audit_links_not_truncated' },
    { table: 'audit_links', name: 'tr_audit_links_unchanged' },
  ],
};

function columns(table: string, definitions: Record<string, string>): Column[] {
  return Object.entries(definitions).map(([name, definition]) => {
    const [, type = '', notNull, value] = /^(.+?)( not null)?(?: default (.+))?$/.exec(definition) ?? [];
    return { table, name, type, isNullable: notNull === undefined, default: value ?? null };
  });
}

function index(
  table: string,
  name: string,
  columns: string[],
  { isUnique = false, predicate = null }: { isUnique?: boolean; predicate?: string | null },
): IndexShape {
  return { table, name, columns, isUnique, predicate, isValid: true };
}

function constraint(table: string, name: string, kind: Constraint['kind'], columns: string[]): Constraint {
  return { table, name, kind, columns, references: null, isValid: true };
}
