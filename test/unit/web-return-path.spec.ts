import { HOME, loginPath, returnPath } from '../../web/src/routing/return-path';

describe('where people go after signing in', () => {
  it.each(['/tasks', '/', '/account', '/account#password', '/tasks?page=2&x=%20#a', '/own/page', '/a/b%2Fc'])(
    '%s is a path of ours',
    (path) => {
      expect(returnPath(path)).toBe(path);
    },
  );

  it.each([
    null,
    '',
    'tasks',
    'evil.example',
    '//evil.example',
    '///evil.example',
    '/\\evil.example',
    '\\\\evil.example',
    '/\t/evil.example',
    '/\n/evil.example',
    ' //evil.example',
    '/ /evil.example',
    'https://evil.example',
    'https:evil.example',
    'HTTPS://evil.example/tasks',
    'javascript:alert(1)',
    'data:text/html,x',
    '/%2Fevil.example',
    '/%2f%2fevil.example',
    '/%5Cevil.example',
    '/%5c%5cevil.example',
    '/%252Fevil.example',
    '%2F%2Fevil.example',
    '/%09/evil.example',
    '/%0d%0aLocation:evil',
    '/.//evil.example',
    '/x/..//evil.example',
    '/%2e%2e//evil.example',
    '/./%2Fevil.example',
    '/tasks\u2028',
    '/tasks\u0000',
    '/%',
    '/%zz',
    '/login',
    '/login?to=/login',
    '/register',
    '/x/../login',
  ])('%j is none', (path) => {
    expect(returnPath(path)).toBe(HOME);
  });

  it('is written into the address of the login page, and read out of it', () => {
    expect(loginPath('/tasks?a=b&c#d')).toBe('/login?to=%2Ftasks%3Fa%3Db%26c%23d');
    expect(returnPath(new URLSearchParams('to=%2Ftasks%3Fa%3Db%26c%23d').get('to'))).toBe('/tasks?a=b&c#d');
    expect(loginPath('//evil.example')).toBe('/login');
    expect(loginPath(HOME)).toBe('/login');
  });
});
