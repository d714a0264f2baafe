import { hash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import type { AccessTokenContent } from '../../sessions/authentication.service';

/** Some 350 bytes each. */
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
    return this.tokens.get(nameOf(token));
  }

  keep(token: string, content: AccessTokenContent): void {
    this.tokens.set(nameOf(token), content);
  }
}

/** A SHA-256 takes a microsecond and a tenth of the token's room, and whoever reads the memory cannot use it. */
function nameOf(token: string): string {
  return hash('sha256', token, 'base64url');
}
