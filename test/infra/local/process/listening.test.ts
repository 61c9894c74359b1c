import { describe, expect, it } from 'vitest';
import { ConfigError } from '#infra/config/config.ts';
import { ListenError, listenAsSet } from '#infra/local/process/listening.ts';

/** Tries to listen where the system answers with an error. */
const failing = (setting: string, value: string | number, code: string) =>
  listenAsSet(setting, value, () => Promise.reject(Object.assign(new Error('listen'), { code })));

describe('listenAsSet', () => {
  it('hands on the address of the setting, and returns the server', async () => {
    expect(await listenAsSet('metrics.listen', '[::1]:9464', async (address) => address)).toEqual({
      host: '::1',
      port: 9464,
    });
  });

  it('takes a port that only privileged users have for a mistake of the configuration, which no restart mends', async () => {
    const error = await failing('metrics.listen', 80, 'EACCES').catch((thrown) => thrown);
    expect(error).toBeInstanceOf(ConfigError);
    expect(error.message).toBe('metrics.listen: this user may not listen on port 80: choose one from 1024 on');
  });

  it('leaves it to a restart to find the port free, or the network up', async () => {
    for (const code of ['EADDRINUSE', 'EADDRNOTAVAIL'])
      await expect(failing('operator.listen', 8123, code)).rejects.toThrow(ListenError);
  });

  it('explains no other error', async () => {
    await expect(failing('operator.listen', 8123, 'EMFILE')).rejects.toThrow(/^listen$/);
  });
});
