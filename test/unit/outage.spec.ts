import { QueryRunnerAlreadyReleasedError } from 'typeorm';
import { isConnectionLost, isDatabaseAway } from '../../src/common/errors/outage';

const error = (message: string, fields: object = {}) => Object.assign(new Error(message), fields);

describe('an error means that the database is away', () => {
  it.each([
    ['a refused connection', error('connect', { code: 'ECONNREFUSED' })],
    ['a name that does not resolve at the moment', error('getaddrinfo', { code: 'EAI_AGAIN' })],
    ['too many connections', error('sorry, too many clients already', { code: '53300' })],
    ['a server that shuts down', error('terminating connection', { code: '57P01' })],
    ['a statement that took too long', error('canceling statement', { code: '57014' })],
    ['a lock that was not given', error('canceling statement', { code: '55P03' })],
    ['a server that refuses whoever asks', error('no such database', { severity: 'FATAL', code: '3D000' })],
    ['a pool without a free connection', error('timeout exceeded when trying to connect')],
    ['a cut connection', error('Connection terminated unexpectedly')],
    ['a transaction that has lost its connection', new QueryRunnerAlreadyReleasedError()],
    ['one that another error wraps', error('query failed', { cause: error('', { code: '08006' }) })],
    ['one that TypeORM wraps', error('query failed', { driverError: error('', { code: 'ECONNRESET' }) })],
  ])('where it is %s', (_, thrown) => expect(isDatabaseAway(thrown)).toBe(true));

  it.each([
    ['a duplicate', error('duplicate key', { code: '23505' })],
    ['a mistake in a statement', error('syntax error', { code: '42601' })],
    ['a mistake of ours', new TypeError('x is not a function')],
    ['a chain without one', error('outer', { cause: error('inner', { code: '23503' }) })],
    ['no error at all', 'ECONNREFUSED'],
    ['nothing', undefined],
  ])('but not where it is %s', (_, thrown) => expect(isDatabaseAway(thrown)).toBe(false));
});

describe('a connection is lost', () => {
  it.each([
    ['a server that shuts down', error('terminating connection', { code: '57P01' })],
    ['a cut connection', error('Connection terminated unexpectedly')],
    [
      'a reset one that TypeORM wraps',
      error('query failed', { driverError: error('', { code: 'ECONNRESET' }) }),
    ],
  ])('where it is %s', (_, thrown) => expect(isConnectionLost(thrown)).toBe(true));

  it.each([
    ['a refused connection', error('connect', { code: 'ECONNREFUSED' })],
    ['a connection that takes too long', error('Connection terminated due to connection timeout')],
    ['a server that is starting', error('starting up', { severity: 'FATAL', code: '57P03' })],
    ['an answer that stays out', error('Query read timeout')],
    ['a statement that took too long', error('canceling statement', { code: '57014' })],
  ])('but not where it is %s: another one would fare no better', (_, thrown) => {
    expect(isConnectionLost(thrown)).toBe(false);
    expect(isDatabaseAway(thrown)).toBe(true);
  });
});
