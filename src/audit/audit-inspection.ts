import { AuditKeys, type Judgement } from './audit-keys';
import type { StoredEvent, StoredLink } from './audit-rows';
import { without, type SequenceRange } from './sequence-ranges';

/**
 * `altered`: an event, or its link, is not what was written. `removed`: an event or links are gone. `inserted`: the
 * service has not written it. `reordered`: links have changed places. `unsealed-too-long`: an event has waited for its
 * link for more than a minute. `unverifiable`: written under a secret that is not configured.
 */
export type AuditProblemKind =
  'altered' | 'removed' | 'inserted' | 'reordered' | 'unsealed-too-long' | 'unverifiable';

export interface AuditProblem {
  kind: AuditProblemKind;
  /** Of the event, where it is known. */
  id?: string;
  /** Of its link. */
  sequence?: number;
  /** Where a run of links is gone: the last of them. */
  lastSequence?: number;
  /** When the event happened; of links that are gone, when the next was written. */
  at: Date;
}

/** Waiting for a link for longer than this, in milliseconds, is a problem. */
const LINKED_WITHIN_MS = 60_000;
/** Links whose place is looked for among one another's. Of more than that the rest are called altered. */
const MAX_MISPLACED = 200;

/** An event without address and device: somebody has to have deleted the account. */
export interface Forgotten {
  userId: string;
  problem: AuditProblem;
}

/** Judges links in their order, and events without one. Knows no database and keeps no rows, but for a few suspects. */
export class AuditInspection {
  links = 0;
  unsealed = 0;
  first?: StoredLink;
  last?: StoredLink;
  private isLastForged = false;
  private readonly misplaced: StoredLink[] = [];

  constructor(
    private readonly keys: AuditKeys,
    /** What retention has removed, in order. */
    private readonly dropped: SequenceRange[],
    private readonly now: Date,
    private readonly tell: (problem: AuditProblem) => void,
  ) {}

  /** The next link, with its event if that is there. Returns an event that needs to have been forgotten with reason. */
  link(link: StoredLink, event: StoredEvent | undefined): Forgotten | undefined {
    this.links++;
    this.first ??= link;
    const before = this.last?.sequence ?? 0;
    this.gap({ first: before + 1, last: link.sequence - 1 }, link.sealedAt);
    const judgement = this.keys.judgeLink(link);
    const isInPlace = judgement !== 'genuine' || this.follows(link, before);
    if (!isInPlace) this.tell({ kind: 'reordered', ...about(link) });
    this.last = link;
    this.isLastForged = judgement === 'forged';
    if (link.eventId === null) return this.suspect(link, judgement);
    return this.eventOf(link, judgement, event);
  }

  /** An event that no link stands for. */
  unlinked(event: StoredEvent): void {
    const judgement = this.keys.judge(event);
    const problem = { id: event.id, at: event.createdAt };
    if (judgement === 'forged') return this.tell({ kind: 'inserted', ...problem });
    if (judgement === 'unknown key') return this.tell({ kind: 'unverifiable', ...problem });
    if (this.now.getTime() - event.createdAt.getTime() > LINKED_WITHIN_MS)
      return this.tell({ kind: 'unsealed-too-long', ...problem });
    this.unsealed++;
  }

  /** After the last link. @param noted what `audit_head` says */
  end(noted: { sequence: number; hash: Buffer }): void {
    for (const link of this.misplaced)
      this.tell({ kind: this.isFromElsewhere(link) ? 'reordered' : 'altered', ...about(link) });
    const { sequence: newest = 0, hash } = this.last ?? {};
    const at = this.last?.sealedAt ?? this.now;
    this.gap({ first: newest + 1, last: noted.sequence }, at);
    if (this.last && noted.sequence === newest && !noted.hash.equals(hash!))
      this.tell({ kind: 'altered', sequence: newest, at });
  }

  gap(range: SequenceRange, at: Date): void {
    for (const { first, last } of without(range, this.dropped))
      this.tell({
        kind: 'removed',
        sequence: first,
        ...(last > first ? { lastSequence: last } : {}),
        at,
      });
  }

  /** What is not genuine itself has been told of: its successor is not to blame. */
  private follows(link: StoredLink, before: number): boolean {
    if (link.sequence === 1) return link.previousHash.length === 0;
    return link.sequence !== before + 1 || this.isLastForged || link.previousHash.equals(this.last!.hash);
  }

  private eventOf(
    link: StoredLink,
    ofLink: Judgement,
    event: StoredEvent | undefined,
  ): Forgotten | undefined {
    const ofEvent = event && link.eventMac?.equals(event.mac) ? this.keys.judge(event) : 'forged';
    const isWritten = ofEvent === 'genuine' || ofEvent === 'forgotten';
    if (ofLink !== 'genuine' && isWritten) return this.suspect(link, ofLink);
    if (ofLink === 'forged') this.tell({ kind: 'inserted', ...about(link) });
    else if (!event) this.tell({ kind: 'removed', ...about(link) });
    else if (ofEvent === 'forged') this.tell({ kind: 'altered', ...about(link) });
    else if (ofEvent === 'unknown key' || ofLink === 'unknown key')
      this.tell({ kind: 'unverifiable', ...about(link) });
    else if (ofEvent === 'forgotten')
      return { userId: event.userId!, problem: { kind: 'altered', ...about(link) } };
  }

  private suspect(link: StoredLink, judgement: Judgement): undefined {
    if (judgement === 'genuine') return;
    if (judgement === 'unknown key') this.tell({ kind: 'unverifiable', ...about(link) });
    else if (this.misplaced.length < MAX_MISPLACED) this.misplaced.push(link);
    else this.tell({ kind: 'altered', ...about(link) });
  }

  /** Whether a link would be genuine in the place of another suspect. */
  private isFromElsewhere(link: StoredLink): boolean {
    return this.misplaced.some(({ sequence }) => this.keys.judgeLink({ ...link, sequence }) === 'genuine');
  }
}

function about({ eventId, sequence, eventCreatedAt, sealedAt }: StoredLink): Omit<AuditProblem, 'kind'> {
  return { ...(eventId === null ? {} : { id: eventId }), sequence, at: eventCreatedAt ?? sealedAt };
}
