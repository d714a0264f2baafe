import type { Queue } from 'pg-boss';

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

export interface QueueSettings {
  /** How many jobs of it one process works at a time. Each of them may hold a database connection now and then. */
  workers: number;
  /** Kept by pg-boss in the database; all times in seconds. */
  policy: Omit<Queue, 'name'>;
}

/** Runs on a schedule, once at a time over all replicas: a run that is due while another is under way is left out. */
const periodic: QueueSettings = {
  workers: 1,
  policy: {
    policy: 'exclusive',
    expireInSeconds: 10 * MINUTE,
    retryLimit: 3,
    retryDelay: 30,
    retryBackoff: true,
    retentionSeconds: DAY,
    deleteAfterSeconds: DAY,
  },
};

/** The same for one that reads a whole table. */
const lengthy: QueueSettings = { ...periodic, policy: { ...periodic.policy, expireInSeconds: 2 * HOUR } };

/**
 * Every queue there is. They are created by `installJobs`; one that others name as `deadLetter` stands before them.
 * Letters say in addition, each for itself, how often and how long they are tried.
 */
export const QUEUES = {
  /** Letters that no further try would deliver. Nobody works it: a person looks, mends and moves them back. */
  'mail-parked': { workers: 0, policy: { retentionSeconds: 90 * DAY, deleteAfterSeconds: DAY } },
  mail: {
    workers: 5,
    policy: {
      deadLetter: 'mail-parked',
      // Longest time for one try. It is above what sending may take, so that no try overtakes its predecessor.
      expireInSeconds: 45,
      // The lease, renewed at half time: after this and a round of supervision another process takes over from a dead one.
      heartbeatSeconds: 20,
      // For letters moved back by hand; the others say themselves how long they are tried.
      retryLimit: 1_000,
      retentionSeconds: 30 * DAY,
      retryDelay: 1,
      retryBackoff: true,
      retryDelayMax: 5 * MINUTE,
      // Rows of delivered letters; they name a user, so they are not kept longer than an operator needs them.
      deleteAfterSeconds: DAY,
    },
  },
  'purge-unverified-accounts': periodic,
  'purge-expired-sessions': lengthy,
  'purge-expired-tokens': periodic,
  'purge-idle-failures': periodic,
  // Before it drops a month it reads the whole of it.
  'keep-audit-months': lengthy,
} as const satisfies Record<string, QueueSettings>;

export type QueueName = keyof typeof QUEUES;

export const QUEUE_NAMES = Object.keys(QUEUES) as QueueName[];
