import { Writable } from 'node:stream';
import { pino } from 'pino';
import { loggerOptions } from '../../src/log/logger-options';

describe('a line of the log', () => {
  /** What is written for these fields. */
  function lineOf(fields: object): Record<string, unknown> {
    let line = '';
    const stream = new Writable({
      write(chunk, _encoding, done) {
        line += String(chunk);
        done();
      },
    });
    pino(loggerOptions({ level: 'trace', format: 'json' }), stream).info(fields);
    return JSON.parse(line) as Record<string, unknown>;
  }

  it.each([
    ['at the top', { password: 'hunter2' }, { password: '[Redacted]' }],
    ['below', { body: { email: 'hunter2', name: 'Ada' } }, { body: { email: '[Redacted]', name: 'Ada' } }],
    ['deeper', { req: { headers: { cookie: 'hunter2' } } }, { req: { headers: { cookie: '[Redacted]' } } }],
    ['whatever it is', { token: { value: 'hunter2' } }, { token: '[Redacted]' }],
  ])('has no secret %s', (_, fields, written) => {
    const before = structuredClone(fields);
    expect(lineOf(fields)).toMatchObject(written);
    expect(JSON.stringify(lineOf(fields))).not.toContain('hunter2');
    expect(fields).toEqual(before);
  });

  it('keeps everything else', () => {
    const fields = { event: 'x', count: 3, none: null, list: [1, { a: 2 }], a: { b: { c: { d: 4 } } } };
    expect(lineOf({ ...fields, missing: undefined })).toMatchObject(fields);
  });

  it('keeps what is safe of an error', () => {
    const { err } = lineOf({ err: new TypeError('broken') });
    expect(err).toMatchObject({ type: 'TypeError', message: 'broken' });
  });
});
