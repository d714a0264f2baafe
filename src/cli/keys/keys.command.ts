import { generateKeyPairSync } from 'node:crypto';
import { Command, Option, SubCommand } from 'nest-commander';
import { SigningKeys } from '../../auth/tokens/signing-keys';
import { newSecret } from '../../common/crypto/tokens';
import type { Config, JwtConfig } from '../../config/config';
import { readEnv } from '../../config/env';
import { AdminCommand, CommandGroup, type Answer, type CommonOptions } from '../admin-command';
import { OptionError } from '../cli-error';
import { table } from '../table';

type Algorithm = JwtConfig['algorithm'];

const ALGORITHMS: Algorithm[] = ['HS256', 'RS256', 'ES256'];
const PEM = { type: 'pkcs8', format: 'pem' } as const;
const RSA_BITS = 3_072;

@SubCommand({
  name: 'generate',
  description: 'print a new secret or private key; nothing is stored',
})
export class KeysGenerateCommand extends AdminCommand {
  protected async answer(_: string[], { algorithm = 'HS256' }: CommonOptions & { algorithm?: Algorithm }) {
    const key = algorithm === 'HS256' ? acceptedSecret() : privateKey(algorithm);
    const variable = algorithm === 'HS256' ? 'JWT_SECRET' : 'JWT_PRIVATE_KEYS';
    const kid = kidsOf({ algorithm, secrets: [key], privateKeys: [key] })[0]!;
    this.terminal.note(
      `A new key for ${algorithm}, kid ${kid}. Keep it where only the service can read it, and put it\n` +
        `last in ${variable} on every replica, then first, then drop the old one: docs/flows/keys.md`,
    );
    return { json: { algorithm, kid, variable, key }, text: key.endsWith('\n') ? key : `${key}\n` };
  }

  @Option({ flags: '--algorithm <name>', description: 'HS256, RS256 or ES256 (default: HS256)' })
  parseAlgorithm(value: string): Algorithm {
    const algorithm = ALGORITHMS.find((name) => name === value.toUpperCase());
    if (!algorithm) throw new OptionError(`It must be one of ${ALGORITHMS.join(', ')}.`);
    return algorithm;
  }
}

@SubCommand({ name: 'list', description: 'list the keys of the configuration, by name only' })
export class KeysListCommand extends AdminCommand {
  protected answer(): Promise<Answer> {
    return this.installation.withSettings(async ({ jwt }) => {
      const { algorithm } = jwt;
      const keys = kidsOf(jwt).map((kid, at) => ({ kid, algorithm, signs: at === 0, verifies: true }));
      return {
        json: { keys },
        text: table(
          ['KID', 'ALGORITHM', 'SIGNS', 'VERIFIES'],
          keys.map((key) => Object.values(key)),
        ),
      };
    });
  }
}

export const KEYS_COMMANDS = [KeysGenerateCommand, KeysListCommand];

@Command({ name: 'keys', description: 'keys of access tokens', subCommands: KEYS_COMMANDS })
export class KeysCommand extends CommandGroup {}

function kidsOf(jwt: Pick<JwtConfig, 'algorithm' | 'secrets' | 'privateKeys'>): string[] {
  return new SigningKeys({ jwt } as Config).kids;
}

/** Once in a thousand millions chance spells a word that the configuration takes for a weak secret. */
function acceptedSecret(): string {
  for (;;) {
    const secret = newSecret();
    try {
      return readEnv({ JWT_SECRET: secret }).JWT_SECRET!;
    } catch {
      // Another one.
    }
  }
}

function privateKey(algorithm: 'RS256' | 'ES256'): string {
  const { privateKey } =
    algorithm === 'RS256'
      ? generateKeyPairSync('rsa', { modulusLength: RSA_BITS })
      : generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return privateKey.export(PEM) as string;
}
