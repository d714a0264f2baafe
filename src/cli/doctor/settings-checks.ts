import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import type { Config } from '../../config/config';
import { fail, ok, warn, type Finding } from './finding';

/** What 128 bits protect is out of reach of any guessing (RFC 8725 §3.5). */
const ENOUGH_BITS = 128;
const DNS_MS = 3_000;
const MANY_HOPS = 3;

/** What the settings tell by themselves. None of the messages repeats a value that is a secret. */
export async function checkSettings(config: Config, productionGaps: string[]): Promise<Finding[]> {
  return [
    ok('configuration', `valid, for ${config.isProduction ? 'production' : 'development'}`),
    ...productionGaps.map((gap) =>
      warn('production', gap, 'fine for development; production does not start like this'),
    ),
    secretsFinding('JWT_SECRET', config.jwt.secrets),
    pepperFinding(config),
    sharingFinding(config),
    ...(await publicUrlFindings(config)),
    proxyFinding(config),
  ];
}

function secretsFinding(name: string, secrets: string[]): Finding {
  const weakest = Math.min(...secrets.map(estimatedBits));
  if (weakest < ENOUGH_BITS)
    return warn(
      name,
      `the weakest is worth about ${Math.floor(weakest)} bits`,
      'replace it by chance: `gatehouse keys generate`',
    );
  if (secrets.length > 1)
    return warn(
      name,
      `${secrets.length} secrets are accepted; nobody can tell how old they are`,
      'drop the old one when SESSION_MAX_TTL has passed since the new one came first',
    );
  return ok(name, 'strong; its age cannot be told: change it once a year, and whenever somebody leaves');
}

function pepperFinding({ passwords: { peppers } }: Config): Finding {
  if (peppers.length > 0) return secretsFinding('PASSWORD_PEPPER', peppers);
  return warn(
    'PASSWORD_PEPPER',
    'not set: a stolen database alone is enough to guess passwords',
    'set it to the output of `gatehouse keys generate`; hashes follow at the next logins',
  );
}

/** What leaks from one place must not open another. */
function sharingFinding({ jwt, passwords, metrics, database, mail, rateLimits }: Config): Finding {
  const uses: [name: string, values: (string | undefined)[]][] = [
    ['JWT_SECRET', jwt.secrets],
    ['PASSWORD_PEPPER', passwords.peppers],
    ['METRICS_TOKEN', [metrics.token]],
    ['DATABASE_URL', [passwordIn(database.url)]],
    ['SMTP_URL', [passwordIn(mail.smtpUrl)]],
    ['REDIS_URL', [passwordIn(rateLimits.redisUrl)]],
  ];
  for (const [at, [name, values]] of uses.entries())
    for (const [other, others] of uses.slice(at + 1))
      if (values.some((value) => value !== undefined && others.includes(value)))
        return fail('secrets', `${name} and ${other} hold the same secret`, 'give each a secret of its own');
  return ok('secrets', 'no two settings share one');
}

async function publicUrlFindings({ http: { publicUrl }, isProduction }: Config): Promise<Finding[]> {
  const check = 'PUBLIC_URL';
  const { protocol, hostname } = new URL(publicUrl);
  const findings = [
    protocol === 'https:'
      ? ok(check, `${publicUrl} is https`)
      : warn(
          check,
          `${publicUrl} is not https`,
          'cookies and passwords travel in the clear: put TLS in front',
        ),
  ];
  const host = hostname.replace(/^\[(.+)\]$/, '$1');
  if (isIP(host) || host === 'localhost')
    return isProduction
      ? [...findings, warn(check, `${host} is no name that people know`, 'give the service a name')]
      : findings;
  const isResolved = await resolves(host);
  return [
    ...findings,
    isResolved
      ? ok(check, `${host} resolves`)
      : fail(check, `${host} does not resolve here`, 'letters lead there: check its spelling and the DNS'),
  ];
}

async function resolves(host: string): Promise<boolean> {
  const late = new Promise<false>((resolve) => setTimeout(resolve, DNS_MS, false).unref());
  const found = lookup(host).then(
    () => true,
    () => false,
  );
  return Promise.race([found, late]);
}

function proxyFinding({ http: { trustProxy, publicUrl } }: Config): Finding {
  const check = 'TRUST_PROXY';
  if (trustProxy === false)
    return publicUrl.startsWith('https:')
      ? warn(
          check,
          'off, though TLS ends in front of the service',
          'set it to the number of proxies, or all clients share the address and the limits of one',
        )
      : ok(check, 'off: the address of a client is that of its connection');
  if (typeof trustProxy === 'number')
    return trustProxy > MANY_HOPS
      ? warn(
          check,
          `${trustProxy} proxies are trusted`,
          'count again: one too many and clients choose their address',
        )
      : ok(check, `${trustProxy} ${trustProxy === 1 ? 'proxy is' : 'proxies are'} trusted`);
  const everybody = trustProxy.find((range) => /\/0+$/.test(range));
  if (everybody)
    return fail(check, `${everybody} trusts everybody`, 'name the proxies, or clients choose their address');
  return ok(check, `${trustProxy.join(', ')} may name the client`);
}

function passwordIn(url: string | undefined): string | undefined {
  const password = url === undefined ? '' : new URL(url).password;
  return password === '' ? undefined : decodeURIComponent(password);
}

/** Length by the entropy of its characters: an upper bound, which only what was made by chance comes near. */
export function estimatedBits(secret: string): number {
  const characters = [...secret];
  const counts = new Map<string, number>();
  for (const character of characters) counts.set(character, (counts.get(character) ?? 0) + 1);
  return [...counts.values()].reduce((bits, count) => bits + count * Math.log2(characters.length / count), 0);
}
