import { randomBytes, randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { ENDED_WITHIN_MS, REPLICAS, SESSIONS_KEPT } from '../settings.mjs';
import { CHANGED, VERIFY } from './ledger.mjs';

const API = '/api/auth';
/** A question after the fault is asked again for so long while there is no answer to it. */
const CHECK_MS = 15_000;
let born = 0;

/**
 * A virtual user, who does one thing at a time and remembers every answer. What an answer that never came (or a 5xx)
 * leaves open is remembered as open: either outcome is then right, until a later answer decides.
 */
export class Person {
  name = null;
  password = newPassword();
  sessions = [];
  /** Ended for certain since the last reckoning, by an answer that said so. */
  ended = [];
  hasChangedPassword = false;
  /** Of a change whose answer was lost: the other name, the other password. */
  nameInDoubt;
  passwordInDoubt;
  oldPassword;

  constructor(client, ledger, tag = 'user') {
    Object.assign(this, { client, ledger });
    this.email = `${tag}-${++born}-${randomBytes(4).toString('hex')}@example.org`;
  }

  get session() {
    return this.sessions[randomInt(this.sessions.length)];
  }

  /** A breach of what this user was told. */
  breach(what, { method, path, status, code }) {
    this.ledger.breach(`${what}: ${this.email}, ${method} ${path} said ${status} ${code ?? ''}`.trim());
  }

  // What a user does. Each returns its answer, with `isGood` for the one that was hoped for.

  async register() {
    const { email, password } = this;
    const answer = await this.ask('POST', '/register', 201, { body: { email, password } });
    this.isRegistered = answer.isGood;
    if (mayHaveHappened(answer)) this.ledger.promiseLetter(email, VERIFY, answer.isGood);
    // An answer may have been lost on its way to the proxy, which does not repeat this; nobody else has the address.
    else this.breach('an address of nobody is refused', answer);
    return answer;
  }

  async verify(token) {
    const answer = await this.ask('POST', '/verify', 200, { body: { token } });
    if (!answer.isGood && !mayHaveHappened(answer)) this.breach('a fresh link is refused', answer);
    return answer;
  }

  async login() {
    const { email, password } = this;
    const answer = await this.ask('POST', '/login', 200, { body: { email, password } });
    if (answer.isGood) {
      this.passwordInDoubt = undefined;
      this.open(answer.body);
    } else if (answer.status === 401 && this.passwordInDoubt) {
      [this.password, this.passwordInDoubt] = [this.passwordInDoubt, undefined];
      // The first one was wrong, as it may have been: the answer is that of the other.
      return this.login();
    } else if (!mayHaveHappened(answer)) this.breach('the right password is refused', answer);
    return answer;
  }

  async read() {
    const { session } = this;
    const answer = await this.ask('GET', '/profile', 200, { token: session.access });
    this.checkProfile(session, answer);
    return answer;
  }

  async refresh() {
    const { session } = this;
    const answer = await this.ask('POST', '/refresh', 200, { body: { refresh_token: session.refresh } });
    if (answer.isGood) takeTokens(session, answer.body);
    // Also when an answer was lost before: the successor is given again.
    else if (!mayHaveHappened(answer)) this.breach('a good refresh token is refused', answer);
    return answer;
  }

  async rename() {
    const name = `Ada ${randomBytes(3).toString('hex')}`;
    const answer = await this.ask('PUT', '/profile', 200, { token: this.session.access, body: { name } });
    if (answer.isGood) [this.name, this.nameInDoubt] = [name, undefined];
    else if (mayHaveHappened(answer)) this.nameInDoubt = [...(this.nameInDoubt ?? []), name];
    else this.breach('a good session may not write', answer);
    return answer;
  }

  async logout() {
    if (this.sessions.length < 2) return this.login();
    const [session] = this.sessions;
    const answer = await this.ask('POST', '/logout', 200, { token: session.access, body: {} });
    this.sessions.shift();
    if (answer.isGood) {
      this.ended.push(session);
      await this.seeEnd(session);
    } else if (!mayHaveHappened(answer)) this.breach('a good session is refused', answer);
    return answer;
  }

  /** Wherever the next request lands. The other replica hears of it by a message, which takes its time. */
  async seeEnd({ access: token }) {
    const since = performance.now();
    for (let inARow = 0; inARow < REPLICAS;) {
      const answer = await patiently(() => this.client.send('GET', `${API}/profile`, { token }));
      inARow = answer.status === 401 ? inARow + 1 : 0;
      const ms = answer.startedAt - since;
      if (answer.status === 200) {
        if (ms > ENDED_WITHIN_MS) return this.breach('an ended session is let in', answer);
        this.ledger.lateEndingsMs.push(ms);
      } else if (answer.status !== 401) return;
    }
  }

  async changePassword() {
    if (this.passwordInDoubt) return this.login();
    const { session, password: currentPassword } = this;
    const next = newPassword();
    const body = { currentPassword, newPassword: next };
    const answer = await this.ask('POST', '/change-password', 200, { token: session.access, body });
    if (!answer.isGood && !mayHaveHappened(answer)) {
      this.breach('the right password is refused', answer);
      return answer;
    }
    const others = this.sessions.filter((other) => other !== session);
    this.sessions = [session];
    this.ledger.promiseLetter(this.email, CHANGED, answer.isGood);
    if (answer.isGood) {
      this.ended.push(...others);
      this.oldPassword = currentPassword;
      this.hasChangedPassword = true;
    } else this.passwordInDoubt = currentPassword;
    this.password = next;
    return answer;
  }

  // What is asked afterwards.

  /** A session that was promised lives on; `client` may be the one of a certain replica. */
  async checkLive(session, client) {
    const answer = await patiently(() => client.send('GET', `${API}/profile`, { token: session.access }));
    this.checkProfile(session, { ...answer, isGood: answer.status === 200 });
  }

  async checkEnded(session, client) {
    const answer = await patiently(() => client.send('GET', `${API}/profile`, { token: session.access }));
    if (answer.status === 200) this.breach('an ended session is let in', answer);
  }

  /** The last password that was confirmed opens the door, and the one before does not. */
  async checkPassword() {
    if (!this.hasChangedPassword && !this.passwordInDoubt) return;
    if (this.hasChangedPassword && !this.passwordInDoubt) {
      const body = { email: this.email, password: this.oldPassword };
      const answer = await patiently(() => this.client.send('POST', `${API}/login`, { body }));
      if (answer.status === 200) this.breach('an old password is let in', answer);
    }
    const answer = await patiently(() => this.login());
    if (!answer.isGood) this.breach('the password cannot be settled', answer);
    this.passwordInDoubt = undefined;
    this.hasChangedPassword = false;
  }

  checkProfile(session, answer) {
    if (!answer.isGood) {
      if (!mayHaveHappened(answer)) this.breach('a good session is refused', answer);
      return;
    }
    const { email, name } = answer.body;
    if (email !== this.email) this.breach(`the profile of ${email} is shown`, answer);
    else if (name !== this.name && !this.nameInDoubt?.includes(name))
      this.breach(`the name ${name} is not ${this.name}`, answer);
  }

  open(tokens) {
    this.sessions.push(takeTokens({}, tokens));
    if (this.sessions.length > SESSIONS_KEPT) this.sessions.shift();
  }

  async ask(method, path, hopedFor, options) {
    const answer = await this.client.send(method, API + path, options);
    return { ...answer, isGood: answer.status === hopedFor };
  }
}

/** A change behind this answer may or may not have been made: then nothing is promised. A 4xx says that it was not. */
function mayHaveHappened({ status }) {
  return status < 400 || status >= 500 || status === 429;
}

function takeTokens(session, { access_token: access, refresh_token: refresh }) {
  return Object.assign(session, { access, refresh });
}

/** For questions after the fault: what is refused for want of time is asked again. */
async function patiently(ask) {
  const deadline = performance.now() + CHECK_MS;
  for (;;) {
    const answer = await ask();
    const isDecided = answer.status > 0 && answer.status < 500 && answer.status !== 429;
    if (isDecided || performance.now() > deadline) return answer;
    await sleep(250);
  }
}

/** 128 bits, and one character of each kind that the rules ask for. */
function newPassword() {
  return `${randomBytes(16).toString('base64url')} 7!x`;
}
