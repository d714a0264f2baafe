import { once } from 'node:events';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { Logger } from '@nestjs/common';
import { SharedStore } from '../../src/rate-limit/shared-store';

/** Long before a question is given up. */
const SOON = 5;

describe('the shared store', () => {
  let server: Server;
  let store: SharedStore;

  beforeAll(() => jest.spyOn(Logger.prototype, 'warn').mockImplementation());
  beforeEach(async () => {
    // Enough of Redis for a connection to become ready: an empty text to each command.
    server = createServer((socket) =>
      socket.on('data', (data) => socket.write('$0\r\n\r\n'.repeat(data.toString().match(/^\*/gm)!.length))),
    );
    await once(server.listen(0, '127.0.0.1'), 'listening');
    store = new SharedStore(`redis://127.0.0.1:${(server.address() as AddressInfo).port}`);
    await once(store.redis, 'ready');
  });
  afterEach(async () => {
    store.close();
    await once(server.close(), 'close');
  });

  const answered = () => store.ask(() => Promise.resolve('answer'));
  const failed = () => store.ask(() => Promise.reject(new Error('away')));

  it('answers, and after a failure is not asked', async () => {
    expect(await answered()).toBe('answer');
    expect(await failed()).toBeUndefined();
    expect(store.isAnswering).toBe(false);
    const question = jest.fn();
    expect(await store.ask(question)).toBeUndefined();
    expect(question).not.toHaveBeenCalled();
  });

  it('stays away when what was asked before the failure is answered after it', async () => {
    const early = store.ask(() => new Promise((resolve) => setTimeout(resolve, SOON, 'answer')));
    expect(await failed()).toBeUndefined();
    expect(await early).toBe('answer');
    expect(store.isAnswering).toBe(false);
  });
});
