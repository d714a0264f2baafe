import { setTimeout as sleep } from 'node:timers/promises';

/** People who are asked at the same time. */
const AT_ONCE = 3;

/**
 * Checks everything that was promised since the last time: names, sessions that live and sessions that ended (on either
 * replica), passwords, letters, and that everybody who registered can come in.
 *
 * @returns letters promised, copies of them, and the milliseconds until the last one had come
 */
export async function reckon({ load, ledger, mail, clients }, { lettersWithinMs, mayBeLost }) {
  const newcomers = load.newcomers.splice(0);
  const since = performance.now();
  while (ledger.missing(mail.letters, mayBeLost) > 0 && performance.now() - since < lettersWithinMs)
    await sleep(100);
  const lettersMs = performance.now() - since;
  await each(load.people, async (person) => {
    for (const session of person.sessions)
      for (const client of clients) await person.checkLive(session, client);
    for (const session of person.ended)
      for (const client of clients) await person.checkEnded(session, client);
    person.ended = [];
    await person.checkPassword();
  });
  await each(newcomers, async (person) => {
    const hasLetter = mail.letters.some(({ to }) => to === person.email);
    if (!hasLetter) return;
    if (!(await load.admit(person, 10_000))) ledger.breach(`${person.email} registered and cannot come in`);
  });
  return { ...ledger.settleLetters(mail.letters, mayBeLost), lettersMs };
}

async function each(people, check) {
  const queue = [...people];
  const worker = async () => {
    for (let person = queue.shift(); person; person = queue.shift()) await check(person);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}
