import { afterEach, describe, expect, it } from 'vitest';
import { LocalWorld } from '#test/infra/local/local-world.ts';
import { closeAll, closedPort, from, mailServer, password } from './mail-servers.ts';

const world = await LocalWorld.start();
afterEach(closeAll);

describe('npm start -- --config', () => {
  it('starts nothing and says why if the mail server cannot be reached', async () => {
    const smtp = { url: `smtp://127.0.0.1:${await closedPort()}`, from };
    const run = world.startReal({ config: { notify: { smtp } } });
    expect(await run.exit()).toBe(2);
    expect(run.stderr).toContain('notify.smtp.url: the mail server cannot be reached (ECONNREFUSED); check host');
    expect(run.lines).toEqual([]);
  });

  it('starts nothing and says why if the mail server refuses the password', async () => {
    const { port } = await mailServer();
    const smtp = { url: `smtp://ops%40example.com@127.0.0.1:${port}`, from };
    const environment = { SMTP_PASSWORD: 'wr0ng-0ne' };
    const run = world.startReal({ config: { notify: { smtp } }, environment });
    expect(await run.exit()).toBe(2);
    expect(run.stderr).toContain('notify.smtp.url: the mail server refuses user or password (SMTP 535)');
    expect(run.stdout + run.stderr).not.toContain('wr0ng');
  });

  it('runs with a mail server that takes the login, and goes on when that is gone', async () => {
    const { port, close } = await mailServer();
    const smtp = { url: `smtp://ops%40example.com@127.0.0.1:${port}`, from };
    const run = world.startReal({ config: { notify: { smtp } }, environment: { SMTP_PASSWORD: password } });
    await run.line(({ kind }) => kind === 'ready');
    await close();
    const { length } = run.lines;
    await run.line((line) => line.kind === 'poll' && run.lines.indexOf(line) >= length);
    expect(run.stdout + run.stderr).not.toContain(password);
  });
});
