import { afterEach, expect, test, vi } from 'vitest';
import { checkCertificate } from '#infra/cli/doctor/certificate.ts';
import { startForwardProxy } from '#test/functions/http/forward-proxy.ts';
import { closeAll, tlsReceiver } from '#test/functions/webhooks/http/client-servers.ts';

afterEach(closeAll);
afterEach(() => vi.unstubAllEnvs());

const now = new Date();
const origin = 'https://cryptshare.example.com';

test('the certificate of a server behind a proxy is looked at through the proxy', async () => {
  const { port, cert } = await tlsReceiver('cryptshare.example.com');
  const { url, asked } = await startForwardProxy({ port });
  vi.stubEnv('HTTPS_PROXY', url);
  expect(await checkCertificate(origin, cert, now)).toMatchObject({ outcome: 'ok', message: /^TLSv1\.3, certificate/ });
  expect(asked).toEqual(['CONNECT cryptshare.example.com:443']);
});

test('a proxy that leads to no certificate is told, and no more than a warning', async () => {
  const { url } = await startForwardProxy({ status: 503 });
  vi.stubEnv('HTTPS_PROXY', url);
  expect(await checkCertificate(origin, undefined, now)).toMatchObject({ outcome: 'warn', message: /HTTP 503/ });
});
