import { AppError } from '../../src/common/errors/app-error';
import { FairGate } from '../../src/common/load/fair-gate';

describe('the fair gate', () => {
  const refused: string[] = [];
  let finish: (() => void)[] = [];

  const gateOf = (width: number, room: number, patience = 10_000) =>
    new FairGate({
      width,
      room,
      patience,
      refuse(reason) {
        refused.push(reason);
        return new AppError('overloaded');
      },
      onAdmitted: () => {},
    });

  /** A job that runs until it is finished from outside. */
  const job = () => new Promise<string>((resolve) => finish.push(() => resolve('done')));
  const overloaded = { key: 'overloaded' };
  const turn = () => new Promise((resolve) => setImmediate(resolve));

  beforeEach(() => {
    refused.length = 0;
    finish = [];
  });

  it('lets as many run as it is wide, and the next when one is done', async () => {
    const gate = gateOf(2, 4);
    const results = ['a', 'b', 'c', 'd'].map((address) => gate.pass({ address }, job));
    for (const started of [2, 3, 4]) {
      await turn();
      expect(finish).toHaveLength(started);
      // Its place goes to who waits, not to who comes.
      if (started < 4) finish[started - 2]!();
    }
    results.push(gate.pass({ address: 'e' }, job));
    await turn();
    expect([finish.length, gate.queueSize]).toEqual([4, 1]);
    for (const end of finish) end();
    await turn();
    finish.at(-1)!();
    expect(await Promise.all(results)).toEqual(Array.from({ length: 5 }, () => 'done'));
    void gate.pass({ address: 'f' }, job);
    await turn();
    expect(finish).toHaveLength(6);
  });

  it('goes on after a job that failed', async () => {
    const gate = gateOf(1, 1);
    const failing = gate.pass({ address: 'a' }, () => Promise.reject(new Error('failed')));
    const next = gate.pass({ address: 'a' }, () => Promise.resolve('done'));
    await expect(failing).rejects.toThrow('failed');
    expect(await next).toBe('done');
  });

  it('turns away who has waited for too long, and nobody else', async () => {
    const gate = gateOf(1, 2, 100);
    const running = gate.pass({ address: 'a' }, job);
    const admitted = gate.pass({ address: 'a' }, job);
    const waiting = gate.pass({ address: 'a' }, job);
    await turn();
    finish[0]!();
    await expect(waiting).rejects.toMatchObject(overloaded);
    finish[1]!();
    expect(await Promise.all([running, admitted])).toEqual(['done', 'done']);
    expect([refused, gate.queueSize]).toEqual([['too_long'], 0]);
  });

  it('turns away who finds it full, and who has to make room', async () => {
    const gate = gateOf(1, 2);
    const running = gate.pass({ address: 'a' }, job);
    const [first, newest] = [gate.pass({ address: 'a' }, job), gate.pass({ address: 'a' }, job)];
    expect([gate.isFullFor('a'), gate.isFullFor('b')]).toEqual([true, false]);
    await expect(gate.pass({ address: 'a' }, job)).rejects.toMatchObject(overloaded);
    const other = gate.pass({ address: 'b' }, job);
    await expect(newest).rejects.toMatchObject(overloaded);
    expect(refused).toEqual(['queue_full', 'displaced']);
    for (const each of [running, first, other]) {
      await turn();
      finish.shift()!();
      await each;
    }
  });

  it('does nothing for a client that is gone, and does not stop what runs for one', async () => {
    const gate = gateOf(1, 2);
    const client = new AbortController();
    const running = gate.pass({ address: 'a', signal: client.signal }, job);
    const waiting = gate.pass({ address: 'a', signal: client.signal }, job);
    await turn();
    client.abort();
    await expect(waiting).rejects.toMatchObject(overloaded);
    await expect(gate.pass({ address: 'a', signal: client.signal }, job)).rejects.toMatchObject(overloaded);
    finish[0]!();
    expect(await running).toBe('done');
    expect([refused, finish.length, gate.queueSize]).toEqual([['client_gone', 'client_gone'], 1, 0]);
  });

  it('turns away all who wait when it is told to', async () => {
    const gate = gateOf(1, 2);
    const running = gate.pass({ address: 'a' }, job);
    const waiting = [gate.pass({ address: 'a' }, job), gate.pass({ address: 'b' }, job)];
    gate.dismiss(new AppError('unavailable'));
    for (const each of waiting) await expect(each).rejects.toMatchObject({ key: 'unavailable' });
    await turn();
    finish[0]!();
    expect(await running).toBe('done');
  });
});
