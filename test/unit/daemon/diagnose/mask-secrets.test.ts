import { describe, expect, test } from 'vitest';
import { MASK, maskText, maskValue } from '../../../../src/daemon/diagnose/mask-secrets.plan.js';

const SECRET = 'hunter2Hunter2hunter2Hunter2hunter2hunter2';
const none = { known: [] };

describe('what looks like a secret is replaced', () => {
  test.each([
    ['a key in PEM', `-----BEGIN EC PRIVATE KEY-----\n${SECRET}\n-----END EC PRIVATE KEY-----`],
    [
      'a key in one line of JSON',
      `{"k":"-----BEGIN PRIVATE KEY-----\\n${SECRET}\\n-----END PRIVATE KEY-----\\n"}`,
    ],
    ['a key that is cut off', `-----BEGIN PRIVATE KEY-----\n${SECRET}`],
    ['credentials of a registry in a field of HTTP', `X-Registry-Auth: ${SECRET}`],
    ['credentials of a registry in JSON', `{"X-Registry-Auth":"${SECRET}"}`],
    ['a password in HTTP', `Authorization: Basic ${SECRET}`],
    ['a token in HTTP', `authorization=Bearer ${SECRET}`],
    ['a token without its field', `sent Bearer ${SECRET} to it`],
    ['a cookie', `Set-Cookie: session=${SECRET}; Path=/`],
    ['an account in a URL', `HTTPS_PROXY=http://user:${SECRET}@proxy.test:3128/`],
    ['an account in a URL without a password', `https://${SECRET}@git.test/x.git`],
    ['a parameter of a URL', `GET /v2/?access_token=${SECRET}&page=2`],
    ['a variable', `POSTGRES_PASSWORD=${SECRET}`],
    ['a variable in an export', `export DB_PASS='${SECRET} and more'`],
    ['a password in JSON', `{"user":"me","password":"${SECRET}\\"x"}`],
    ['a password in JSON within JSON', `{"body":"{\\"password\\":\\"${SECRET}\\"}"}`],
    ['credentials of Docker', `{"auths":{"r.test":{"auth":"${SECRET}"}}}`],
    ['a token for pulls', `identitytoken: ${SECRET}`],
    ['an option', `docker login --password ${SECRET} r.test`],
    ['an option with an equals sign', `tool --api-key=${SECRET}`],
    ['an option of mount', `mount -t cifs -o username=me,password=${SECRET},vers=3.0`],
    ['an account of Samba', `smbclient -U me%${SECRET} //host/C`],
    ['a web token', `eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.${SECRET}`],
    ['a token of GitHub', `cloned with ghp_${SECRET}`],
    ['a token of Docker Hub', `dckr_pat_${SECRET}`],
    ['a key of AWS', 'AKIAABCDEFGHIJKLMNOP', 'AKIAABCDEFGHIJKLMNOP'],
    ['a secret of AWS', `aws_secret_access_key = ${SECRET}`],
    ['a token of a swarm', `SWMTKN-1-${SECRET}`],
    ['a key of a swarm', `SWMKEY-1-${SECRET}`],
    ['the hash of a password', `root:$6$saltsalt$${SECRET}:19000:0:99999`],
  ])('%s', (_what, text, secret = SECRET) => {
    const masked = maskText(text, none);
    expect(masked).not.toContain(secret);
    expect(masked).toContain(MASK);
    expect(masked.length).toBeLessThan(text.length);
  });
});

describe('what the machine knows to be secret is replaced, however it is encoded', () => {
  const secret = 'Tö"p&<s>/cret+1 x';
  test.each([
    ['as it is', secret],
    ['in JSON', JSON.stringify(secret)],
    ['in JSON within JSON', JSON.stringify(JSON.stringify(secret))],
    ['in a URL', encodeURIComponent(secret)],
    ['in base64', Buffer.from(secret).toString('base64')],
    ['in base64url', Buffer.from(secret).toString('base64url')],
    ['in hexadecimal', Buffer.from(secret).toString('hex')],
  ])('%s', (_how, form) => {
    expect(maskText(`a ${form} b`, { known: [secret, 'x'] })).toMatch(/^a .*\*\*\*.* b$/);
    expect(maskText(`a ${form} b`, { known: [secret] })).not.toContain(form.replaceAll('"', ''));
  });
});

test.each([
  'the token does not match; password of the account was refused',
  '{"isSecret":false,"secret":null,"password":""}',
  'author=Someone authority: mobyvm machine authority',
  '10.0.75.0/24 dev mobyvm0 proto kernel scope link src 10.0.75.1',
  '2026-11-29T07:00:00.000Z info  kvp.item.set name=greeting',
  'mobyvm-data /var/lib/mobyvm/token mode=0600',
  'https://docs.docker.com/engine/#a@b',
  'Basic authentication',
])('%s is left alone', (text) => {
  expect(maskText(text, none)).toBe(text);
});

test('members whose names say so lose their values, items by their names as well', () => {
  const value = {
    password: SECRET,
    nested: [{ Token: SECRET, count: 3 }, 'plain'],
    items: [
      { name: 'db-password', value: SECRET, isSecret: false },
      { name: 'greeting', value: 'hello', isSecret: false },
    ],
  };
  expect(maskValue(value, none)).toEqual({
    password: MASK,
    nested: [{ Token: MASK, count: 3 }, 'plain'],
    items: [
      { name: 'db-password', value: MASK, isSecret: false },
      { name: 'greeting', value: 'hello', isSecret: false },
    ],
  });
});

test('JSON stays JSON', () => {
  const line = JSON.stringify({ time: 'T', password: 'a"b\\c', reason: `token="x y", key` });
  expect(JSON.parse(maskText(line, none))).toEqual({ time: 'T', password: MASK, reason: 'token="***", key' });
});

test('a long line without spaces takes no time that grows with its square', () => {
  for (const text of [
    'a'.repeat(2_000_000),
    'pass'.repeat(500_000),
    '\\'.repeat(500_000),
    'eyJ'.repeat(500_000),
  ])
    expect(maskText(text, none)).toBe(text);
});
