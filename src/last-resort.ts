import { Logger } from '@nestjs/common';

const logger = new Logger('Process');

/**
 * What becomes of mistakes that nobody caught (ASVS 16.5.4). A promise that was rejected and forgotten concerned one
 * request or job at most: it is logged, and everybody else goes on. After an exception that reached the top nobody
 * knows what state the process is in: it is logged, and the process ends in order, for the orchestrator to start anew.
 *
 * @param end drains and ends the process
 */
export function handleUncaught(end: () => void): void {
  process.on('unhandledRejection', (err) =>
    logger.error({ event: 'process.rejection', err, msg: 'a promise was rejected and nobody noticed' }),
  );
  process.on('uncaughtException', (err) => {
    logger.fatal({ event: 'process.exception', err, msg: 'an exception reached the top: the process ends' });
    end();
  });
}
