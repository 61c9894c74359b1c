import { describe, expect, it } from 'vitest';
import { loadConfig } from '#infra/config/config.ts';
import { addressText, listenAddressOf } from '#infra/config/listening.ts';
import { configFolder } from './config-files.ts';

const { write, problemsWith } = configFolder();
const problemsOf = problemsWith(loadConfig);

describe('listenAddressOf', () => {
  it.each([
    [8123, '127.0.0.1:8123'],
    ['8123', '127.0.0.1:8123'],
    ['127.0.0.1:1', '127.0.0.1:1'],
    ['localhost:65535', '127.0.0.1:65535'],
    ['[::1]:8123', '[::1]:8123'],
    ['0.0.0.0:9464', '0.0.0.0:9464'],
    ['[2001:db8::1]:9464', '[2001:db8::1]:9464'],
  ])('reads %j', (setting, text) => {
    expect(addressText(listenAddressOf(setting)!)).toBe(text);
  });

  it.each([0, 65_536, 8123.5, -1, Number.NaN, '', ':8123', '127.0.0.1', '127.0.0.1:', 'example.com:8123', '::1:8123'])(
    'finds no address in %j',
    (setting) => expect(listenAddressOf(setting)).toBeUndefined(),
  );
});

describe('loadConfig', () => {
  it('accepts addresses to listen on and a heartbeat', () => {
    const settings = {
      operator: { listen: 8123 },
      metrics: { listen: '10.0.0.1:9464' },
      heartbeat: { url: 'https://hc.example.com/api/push/a1?status=up' },
    };
    expect(loadConfig(write(settings))).toMatchObject(settings);
  });

  it.each([
    [{ operator: { listen: '0.0.0.0:8123' } }, 'operator.listen: expected a port such as 8123, or 127.0.0.1:8123'],
    [{ operator: { listen: '127.0.0.2:8123' } }, 'operator.listen: expected a port such as 8123'],
    [{ operator: { listen: true } }, 'operator.listen: expected a port such as 8123'],
    [{ operator: {} }, 'operator.listen: expected a port such as 8123'],
    [{ operator: 8123 }, 'operator: expected object'],
    [{ metrics: { listen: 'metrics.example.com:9464' } }, 'metrics.listen: expected a port such as 9464'],
    [{ metrics: { port: 9464, listen: 9464 } }, 'metrics: Unrecognized key: "port"'],
    [{ heartbeat: { url: 'http://hc.example.com/ping' } }, 'heartbeat.url: expected https: (http: only for a service'],
    [{ heartbeat: { url: 'ftp://hc.example.com/ping' } }, 'heartbeat.url: expected an address such as https://'],
    [{ heartbeat: {} }, 'heartbeat.url: expected an address such as https://'],
    [
      { operator: { listen: 8123 }, metrics: { listen: '0.0.0.0:8123' } },
      'metrics.listen: expected another port than that of operator.listen',
    ],
  ])('refuses %j with its path, once', (settings, problem) => {
    expect(problemsOf(settings)).toEqual([expect.stringContaining(problem)]);
  });

  it('refuses a password in the address of the heartbeat without repeating it', () => {
    const problems = problemsOf({ heartbeat: { url: 'https://me:hunter2@hc.example.com/' } });
    expect(problems).toEqual([expect.stringContaining('heartbeat.url: expected an address')]);
    expect(problems.join()).not.toContain('hunter2');
  });

  it('reports wrong addresses in one go with all other mistakes', () => {
    const settings = { operator: { listen: 'x' }, metrics: { listen: [] }, heartbeat: { url: 1 }, proxy: 'ftp://a' };
    const paths = problemsOf(settings).map((problem) => problem.split(':')[0]);
    expect(paths).toEqual(['proxy', 'operator.listen', 'metrics.listen', 'heartbeat.url']);
  });
});
