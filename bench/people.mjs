// Accounts, sessions and tasks, made by Gatehouse's own services: over HTTP each session would cost a password hash.
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { JwtModule } from '@nestjs/jwt';
import audit from '../dist/src/audit/audit.module.js';
import csrf from '../dist/src/auth/cookies/csrf-tokens.js';
import hasher from '../dist/src/auth/passwords/password-hasher.js';
import passwords from '../dist/src/auth/passwords/passwords.module.js';
import accessTokens from '../dist/src/auth/tokens/access-tokens.js';
import signingKeys from '../dist/src/auth/tokens/signing-keys.js';
import common from '../dist/src/common/common.module.js';
import caller from '../dist/src/common/load/caller.js';
import config from '../dist/src/config/config.js';
import configModule from '../dist/src/config/config.module.js';
import env from '../dist/src/config/env.js';
import database from '../dist/src/database/database.module.js';
import transactions from '../dist/src/database/transactions.js';
import jobs from '../dist/src/jobs/promising-jobs.js';
import sessionsModule from '../dist/src/sessions/sessions.module.js';
import sessions from '../dist/src/sessions/sessions.service.js';
import tasksModule from '../dist/src/tasks/tasks.module.js';
import tasks from '../dist/src/tasks/tasks.service.js';
import usersModule from '../dist/src/users/users.module.js';
import users from '../dist/src/users/users.service.js';

export const PASSWORD = 'correct horse 7 battery!';
const CLIENT = { ip: '127.0.0.1', userAgent: null, requestId: 'bench' };
/** Sessions opened in one transaction, and transactions at a time. */
const [BATCH, AT_A_TIME] = [50, 4];

/** Needs a migrated database: start a server before. */
export class People {
  /** Addresses and users so far. */
  count = 0;

  static async start(environment) {
    const people = new People();
    const configuration = config.Config.from(env.readEnv(environment), {});
    people.app = await NestFactory.createApplicationContext(servicesWith(configuration), {
      logger: ['error'],
      abortOnError: false,
    });
    const password = people.app.get(hasher.PasswordHasher);
    people.passwordHash = await caller.runFor({ address: 'bench' }, () => password.hash(PASSWORD));
    return people;
  }

  address() {
    return `person${this.count++}@example.org`;
  }

  /** So many new users; all have the same password. */
  async users(count) {
    const service = this.app.get(users.UsersService);
    return this.app.get(transactions.Transactions).run(async (tx) => {
      const made = [];
      while (made.length < count) {
        const user = { email: this.address(), name: null, passwordHash: this.passwordHash, isVerified: true };
        made.push(await service.tryCreate(user, tx));
      }
      return made;
    });
  }

  /** So many new sessions, of the users in turn. */
  async sessions(transport, count, people) {
    const batches = Array.from({ length: Math.ceil(count / BATCH) }, (_, number) =>
      Array.from(
        { length: Math.min(BATCH, count - number * BATCH) },
        (_, at) => people[(number * BATCH + at) % people.length],
      ),
    );
    const opened = [];
    const work = async () => {
      for (let batch = batches.pop(); batch; batch = batches.pop())
        opened.push(...(await this.#open(transport, batch)));
    };
    await Promise.all(Array.from({ length: AT_A_TIME }, work));
    return opened;
  }

  async tasks({ id }, count) {
    const service = this.app.get(tasks.TasksService);
    for (let number = 0; number < count; number++)
      await service.create(id, { title: `Task ${number}`, description: '', completed: false });
  }

  stop() {
    return this.app.close();
  }

  async #open(transport, people) {
    const service = this.app.get(sessions.SessionsService);
    const bearer = this.app.get(accessTokens.AccessTokens);
    const tokens = this.app.get(csrf.CsrfTokens);
    const opened = await this.app.get(transactions.Transactions).run(async (tx) => {
      const each = [];
      for (const user of people) each.push({ user, ...(await service.open(user.id, transport, CLIENT, tx)) });
      return each;
    });
    return Promise.all(
      opened.map(async ({ user, session, token }) => ({
        user,
        accessToken: transport === 'bearer' ? (await bearer.issue(user, session)).token : undefined,
        /** The refresh token, or the content of the cookie. */
        token,
        csrfToken: tokens.issue(session.id),
      })),
    );
  }
}

function servicesWith(configuration) {
  class Services {}
  Module({
    imports: [
      configModule.ConfigModule.with(configuration),
      common.CommonModule,
      database.DatabaseModule.with({ poolMax: AT_A_TIME }),
      jobs.PromisingJobsModule,
      audit.AuditModule,
      usersModule.UsersModule,
      sessionsModule.SessionsModule,
      tasksModule.TasksModule,
      passwords.PasswordsModule,
      JwtModule,
    ],
    providers: [signingKeys.SigningKeys, accessTokens.AccessTokens, csrf.CsrfTokens],
  })(Services);
  return Services;
}
