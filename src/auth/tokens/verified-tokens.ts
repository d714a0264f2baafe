import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import type { AccessTokenContent } from '../../sessions/authentication.service';

/** Some 700 bytes each. */
const MOST_TOKENS = 10_000;

/**
 * The access tokens this process has verified, so that a signature is computed once for a token and not once for a
 * request. What is kept is only that a token is ours and what it says: a token that was refused is looked at anew, and
 * whether it has expired and whether its session lives is asked each time. Keys do not change while a process runs.
 */
@Injectable()
export class VerifiedTokens {
  private readonly tokens = new LRUCache<string, AccessTokenContent>({ max: MOST_TOKENS });

  find(token: string): AccessTokenContent | undefined {
    return this.tokens.get(token);
  }

  keep(token: string, content: AccessTokenContent): void {
    this.tokens.set(token, content);
  }
}
