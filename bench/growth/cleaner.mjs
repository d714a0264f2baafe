// A process that runs one cleaner of the built product when it is told to: node cleaner.mjs <job>, configured like the server.
import { NestFactory } from '@nestjs/core';
import appModule from '../../dist/src/app.module.js';
import config from '../../dist/src/config/config.js';
import env from '../../dist/src/config/env.js';
import auditRetention from '../../dist/src/audit/audit-retention.job.js';
import idleFailures from '../../dist/src/auth/back-off/idle-failures.job.js';
import unverifiedAccounts from '../../dist/src/auth/registration/unverified-accounts.job.js';
import expiredTokens from '../../dist/src/auth/tokens/expired-tokens.job.js';
import expiredSessions from '../../dist/src/sessions/expired-sessions.job.js';

const JOBS = {
  'expired sessions': expiredSessions.ExpiredSessionsJob,
  'expired tokens': expiredTokens.ExpiredTokensJob,
  'idle failures': idleFailures.IdleFailuresJob,
  'unverified accounts': unverifiedAccounts.UnverifiedAccountsJob,
  'audit retention': auditRetention.AuditRetentionJob,
};

const module = appModule.AppModule.with(config.Config.from(env.readEnv(process.env), {}));
const context = await NestFactory.createApplicationContext(module, { logger: false });
const job = context.get(JOBS[process.argv[2]], { strict: false });
process.on('disconnect', () => process.exit());
process.once('message', async () => {
  try {
    await job.run();
    process.send({});
  } catch (error) {
    process.send({ failure: error.message });
  }
});
process.send('ready');
