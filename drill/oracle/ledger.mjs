/** Letters that answers promise. */
export const VERIFY = 'Confirm your email address';
export const CHANGED = 'Your password was changed';

/** What the service has said so far, and where it did not keep its word. */
export class Ledger {
  broken = [];
  /** Milliseconds after its end for each time that an ended session was still let in, within what is allowed. */
  lateEndingsMs = [];
  /** By address and subject: letters promised for certain, and those of a request whose answer was lost. */
  letters = new Map();
  /** Letters of before are not looked at again. */
  letterOffset = 0;

  breach(what) {
    this.broken.push(what);
  }

  promiseLetter(to, subject, isCertain = true) {
    const key = `${to} ${subject}`;
    const promised = this.letters.get(key) ?? { sure: 0, maybe: 0 };
    promised[isCertain ? 'sure' : 'maybe'] += 1;
    this.letters.set(key, promised);
  }

  /** Promised letters that have not come. */
  missing(letters, mayBeLost = () => false) {
    const arrived = count(letters.slice(this.letterOffset));
    let missing = 0;
    for (const [key, { sure }] of this.letters)
      if (!mayBeLost(key)) missing += Math.max(0, sure - (arrived.get(key)?.ids.size ?? 0));
    return missing;
  }

  /**
   * Closes the account of the letters: one for each promise, none besides.
   *
   * @returns copies of letters that came more than once with the same Message-ID
   */
  settleLetters(letters, mayBeLost = () => false) {
    const arrived = count(letters.slice(this.letterOffset));
    const keys = new Set([...this.letters.keys(), ...arrived.keys()]);
    let copies = 0;
    let promised = 0;
    for (const key of keys) {
      const { sure, maybe } = this.letters.get(key) ?? { sure: 0, maybe: 0 };
      const { ids, total } = arrived.get(key) ?? { ids: new Set(), total: 0 };
      promised += sure;
      copies += total - ids.size;
      if (ids.size < sure && !mayBeLost(key)) this.breach(`a letter is missing: ${key}`);
      if (ids.size > sure + maybe) this.breach(`a letter nobody promised: ${key}`);
    }
    this.letters.clear();
    this.letterOffset = letters.length;
    return { promised, copies };
  }
}

function count(letters) {
  const arrived = new Map();
  for (const { to, subject, messageId } of letters) {
    const key = `${to} ${subject}`;
    const { ids, total } = arrived.get(key) ?? { ids: new Set(), total: 0 };
    arrived.set(key, { ids: ids.add(messageId), total: total + 1 });
  }
  return arrived;
}
