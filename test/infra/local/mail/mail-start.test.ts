import { afterEach, describe, expect, it } from 'vitest';
import { LocalWorld, people } from '#test/infra/local/local-world.ts';
import { closeAll, closedPort, from, mailServer, password } from './mail-servers.ts';

const world = await LocalWorld.start();
afterEach(closeAll);

describe('npm start -- --config', () => {
  it('starts nothing and says why if the mail server cannot be reached, so that a supervisor tries again', async () => {
    const smtp = { url: `smtp://127.0.0.1:${await closedPort()}`, from };
    const run = world.startReal({ config: { notify: { smtp } } });
    expect(await run.exit()).toBe(1);
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

  it('mails digests to a reader, and goes on polling when the mail server is gone', async () => {
    const { port, seen, parsed, close } = await mailServer();
    const notify = {
      smtp: { url: `smtp://ops%40example.com@127.0.0.1:${port}`, from },
      readers: [{ name: 'ops', email: 'reader@example.com' }],
    };
    const [first, second] = world.server.transfers.seed({ ...people, count: 2, state: 'ACTIVE' });
    const run = world.startReal({ config: { notify }, environment: { SMTP_PASSWORD: password } });
    await run.line(({ outcome }) => outcome === 'baseline');
    world.server.transfers.setState(first!.trackingId, 'FAILED');
    await run.line(({ kind, endpoint, status }) => kind === 'delivery' && endpoint === 'ops' && status === 'DELIVERED');
    const [digest] = await parsed();
    expect(seen).toMatchObject({ users: ['ops@example.com'], envelopes: [{ from, to: ['reader@example.com'] }] });
    expect(digest!.text).toContain(first!.trackingId);
    expect(digest!.html).toContain(first!.trackingId);
    expect(digest!.messageId).toMatch(/^<dig_\w+@example\.com>$/);

    await close();
    world.server.transfers.setState(second!.trackingId, 'FAILED');
    const failed = await run.line((line) => line.kind === 'delivery' && 'cause' in line);
    expect(failed).toMatchObject({ endpoint: 'ops', cause: 'unreachable', code: 'ECONNREFUSED' });
    const { length } = run.lines;
    await run.line((line) => line.kind === 'poll' && run.lines.indexOf(line) >= length);
    run.kill('SIGINT');
    expect(await run.exit()).toBe(0);
    expect(run.stdout + run.stderr).not.toMatch(/reader@example\.com/);
    expect(run.stdout + run.stderr).not.toContain(password);
  });
});
