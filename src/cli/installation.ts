import { Injectable } from '@nestjs/common';
import { runFor } from '../common/load/caller';
import type { Config } from '../config/config';
import { provision, type EmbeddedUse } from '../provision';
import type { Services } from './services';

/** The Gatehouse that a command is about: that of this folder's settings. */
@Injectable()
export class Installation {
  /** For commands that need the settings and no neighbour. */
  withSettings<T>(work: (config: Config) => Promise<T>): Promise<T> {
    return withConfig('none', work);
  }

  /** For commands that open connections of their own. */
  withDatabase<T>(work: (config: Config) => Promise<T>): Promise<T> {
    return withConfig('join', work);
  }

  /** For commands that act as the service does: the same services, without HTTP and without any worker. */
  withServices<T>(work: (services: Services) => Promise<T>): Promise<T> {
    return withConfig('join', async (config) => {
      // Here and not above: `--help` and mistakes on the command line are answered without them.
      const { openServices } = require('./services.module') as typeof import('./services.module');
      const { services, close } = await openServices(config);
      try {
        return await runFor({ address: 'cli' }, () => work(services));
      } finally {
        await close();
      }
    });
  }
}

async function withConfig<T>(embedded: EmbeddedUse, work: (config: Config) => Promise<T>): Promise<T> {
  const { config, release } = await provision(process.env, embedded);
  try {
    return await work(config);
  } finally {
    await release();
  }
}
