import { setTimeout as sleep } from 'node:timers/promises';
import { MIX, RATE, USERS } from '../settings.mjs';
import { VERIFY } from './ledger.mjs';
import { Person } from './person.mjs';

const BEAT_MS = 100;

/** A mixed load: each user does one thing after the other and pauses in between, so that no crowd gathers in an outage. */
export class Load {
  /** Everybody there is, also those who do not act any more. */
  people = [];
  newcomers = [];
  answers = [];
  beats = [];

  constructor(client, ledger, mail) {
    Object.assign(this, { client, ledger, mail });
  }

  /** Accounts by the front door: registration, letter, link, login. */
  async prepare() {
    for (let number = 0; number < USERS + 2; number++) {
      const person = new Person(this.client, this.ledger);
      if (!(await person.register()).isGood || !(await this.admit(person)))
        throw new Error('a user cannot come in before anything is broken');
      this.people.push(person);
    }
    [this.pulse, this.idler, ...this.actors] = this.people;
    this.ledger.settleLetters(this.mail.letters);
  }

  /** Resolves when somebody who registered has opened the link and logged in; a letter that never came is told elsewhere. */
  async admit(person, patienceMs = 30_000) {
    const deadline = performance.now() + patienceMs;
    while (performance.now() < deadline) {
      const letter = this.mail.letters.findLast(
        ({ to, subject }) => to === person.email && subject === VERIFY,
      );
      if (letter && (await person.verify(letter.token)).isGood && (await person.login()).isGood) return true;
      await sleep(50);
    }
    return false;
  }

  start() {
    this.answers = [];
    this.beats = [];
    this.isOn = true;
    this.running = [...this.actors.map((person) => this.live(person)), this.beat()];
  }

  async stop() {
    this.isOn = false;
    await Promise.all(this.running);
  }

  async live(person) {
    // Not all at once.
    await sleep(Math.random() * USERS * (1000 / RATE));
    while (this.isOn) {
      const action = pick();
      await (action === 'register' ? this.register() : this.act(person, action));
      await sleep((0.5 + Math.random()) * USERS * (1000 / RATE));
    }
  }

  async act(person, action) {
    this.note(action, person, await person[action]());
  }

  async register(tag = 'newcomer') {
    const person = new Person(this.client, this.ledger, tag);
    this.newcomers.push(person);
    await this.act(person, 'register');
  }

  /** Letters in numbers. */
  async registerMany(count, tag) {
    for (let number = 0; number < count; number++) await this.register(tag);
  }

  /** One read ten times a second, whether or not the last was answered: the resolution of "the first good answer". */
  async beat() {
    const open = new Set();
    while (this.isOn) {
      const reading = this.pulse.read().then((answer) => {
        this.note('read', this.pulse, answer);
        this.beats.push(answer);
        open.delete(reading);
      });
      open.add(reading);
      await sleep(BEAT_MS);
    }
    await Promise.all(open);
  }

  note(action, { email }, { startedAt, at, ms, status, code, isGood, isWellFormed }) {
    this.answers.push({ action, email, startedAt, at, ms, status, code, isGood, isWellFormed });
  }
}

function pick() {
  let rest = Math.random() * 100;
  return Object.keys(MIX).find((action) => (rest -= MIX[action]) < 0) ?? 'read';
}
