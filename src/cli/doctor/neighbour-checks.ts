import { Redis } from 'ioredis';
import type { Config } from '../../config/config';
import { SmtpCheckService } from '../../mail/smtp-check.service';
import { smtpFailureOf } from '../../mail/smtp-failure';
import { attempt, fail, ok, warn, type Finding } from './finding';

const CONNECT_MS = 2_000;

/** The mail server as a letter would meet it, but that none is sent. */
export async function checkMail(config: Config): Promise<Finding[]> {
  const smtp = new SmtpCheckService(config);
  if (!smtp.isConfigured)
    return [
      warn('smtp', 'SMTP_URL is not set: letters go to /dev/mailbox', 'set it for letters that arrive'),
    ];
  const { host, username } = new URL(config.mail.smtpUrl!);
  try {
    const { tls, isVerified, isAuthenticated } = await smtp.handshake();
    const greeted = ok('smtp', `${host} ${isAuthenticated ? 'takes the login' : 'answers, without a login'}`);
    if (tls !== null)
      return [greeted, ok('smtp.tls', `${tls}, certificate ${isVerified ? 'verified' : 'not asked for'}`)];
    return [
      greeted,
      warn('smtp.tls', 'letters travel in the clear', 'use smtps://, or a server with STARTTLS'),
    ];
  } catch (error) {
    const { code, smtpCode } = smtpFailureOf(error);
    const words = `${host}: ${smtpCode === undefined ? code : `${code}, answer ${smtpCode}`}`;
    const advice =
      code === 'EAUTH'
        ? `check the login${username === '' ? '' : ' and its password'} in SMTP_URL`
        : 'check SMTP_URL, and that the server is reached from here; letters wait meanwhile';
    return [fail('smtp', words, advice)];
  }
}

export async function checkRedis({ rateLimits: { redisUrl } }: Config): Promise<Finding[]> {
  if (redisUrl === undefined)
    return [ok('redis', 'not used: each replica counts its rate limits for itself')];
  const advice = 'check REDIS_URL; without it each replica counts for itself';
  return attempt('redis', advice, async () => {
    const redis = new Redis(redisUrl, {
      lazyConnect: true,
      connectTimeout: CONNECT_MS,
      commandTimeout: CONNECT_MS,
      maxRetriesPerRequest: 0,
      enableReadyCheck: false,
      retryStrategy: () => null,
    });
    let cause: Error | undefined;
    // What `connect` throws says only that the connection is closed.
    redis.on('error', (error: Error) => (cause ??= error));
    try {
      await redis.connect();
      await redis.ping();
      return [ok('redis', `${new URL(redisUrl).host} answers`)];
    } catch (error) {
      throw cause ?? error;
    } finally {
      redis.disconnect();
    }
  });
}
