import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import {
  ForbiddenTargetError,
  forbiddenTarget,
  headerProblem,
  isForbidden,
  resolvePublicAddresses,
  targetProblem,
} from '#functions/webhooks/http/ssrf-guard.ts';

const bad = [
  '0.0.0.0 10.0.0.1 100.64.0.1 100.127.255.254 127.0.0.1 127.254.254.254 169.254.169.254 169.254.170.2 169.254.170.23',
  '172.16.5.4 172.31.255.255 192.0.0.1 192.0.0.192 192.0.2.1 192.88.99.1 192.168.1.1 198.18.0.1 198.19.255.255',
  '198.51.100.1 203.0.113.1 224.0.0.1 239.255.255.250 240.0.0.1 255.255.255.255 100.100.100.200 192.31.196.1',
  '192.52.193.1 192.175.48.1 169.254.169.253 169.254.169.123 :: ::1 1::1 0:0:0:1::1 ff:ffff::1 ::7f00:1 ::a9fe:a9fe',
  '::ffff:127.0.0.1 ::ffff:169.254.169.254 ::ffff:7f00:1 ::ffff:0:7f00:1 ::5efe:7f00:1 64:ff9b::a9fe:a9fe',
  '64:ff9b::7f00:1 64:ff9b:1::1 64:ff9b:0:1::1 100::1 2001::1 2001:1ff::1 2001:db8::1 2002:a9fe:a9fe::1 2002:7f00:1::1',
  '2002:5db8:d822::1 2620:4f:8000::1 3fff::1 3fff:fff::1 5f00::1 fc00::1 fd00:ec2::254 fe80::1 febf:ffff::1 fec0::1',
  'ff02::1 ff0e::1 ::ffff:8.8.8.8 64:ff9b:: 64:ff9b::1 64:ff9b::a00:1 64:ff9b::10.0.0.1 64:ff9b::c0a8:101 64:ff9b::c000:201',
  '64:ff9b::e000:1 64:ff9b::6440:1 64:ff9b::1:0:808:808 64:ff9b:1::808:808 64:ff9b:1:ffff::8.8.8.8',
].flatMap((line) => line.split(' '));

const good = [
  '1.1.1.1 8.8.8.8 93.184.216.34 100.63.255.255 100.128.0.1 172.15.255.255 172.32.0.1 192.88.98.255 192.88.100.1',
  '198.17.255.255 198.20.0.1 223.255.255.255 2001:200::1 2001:4860:4860::8888 2606:4700:4700::1111 3fff:1000::1',
  '64:ff9b::808:808 64:ff9b::8.8.8.8 64:ff9b::5db8:d70e 64:ff9b::ac0f:1 64:ff9b:0:0:0:0:101:101 64:ff9b::100:0',
].flatMap((line) => line.split(' '));

const noUser = 'expected neither user name nor password; send a header instead';

const asHost = (address: string) => (address.includes(':') ? `[${address}]` : address);

describe('isForbidden', () => {
  test.each(bad)('forbids %s (P21)', (address) => {
    expect(isForbidden(address)).toBe(true);
    expect(targetProblem(`https://${asHost(address)}/hook`, false)).toBe(forbiddenTarget);
  });

  test.each(good)('allows %s, which is on the public internet', (address) => {
    expect(isForbidden(address)).toBe(false);
    expect(targetProblem(`https://${asHost(address)}/hook`, false)).toBeUndefined();
  });

  test('judges an address behind a translator (NAT64) like the IPv4 address inside', () => {
    const address4 = fc.oneof(
      fc.ipV4(),
      fc.tuple(fc.constantFrom(10, 127, 169, 192), fc.constantFrom(254, 168, 0), fc.nat(255), fc.nat(255)).map(String),
    );
    fc.assert(
      fc.property(address4, (any) => {
        const parts = any.split(/[.,]/).map(Number) as [number, number, number, number];
        const groups = [(parts[0] << 8) | parts[1], (parts[2] << 8) | parts[3]].map((group) => group.toString(16));
        const inside = parts.join('.');
        for (const address of [`64:ff9b::${inside}`, `64:ff9b::${groups.join(':')}`]) {
          expect([address, isForbidden(address)]).toEqual([address, isForbidden(inside)]);
        }
      }),
    );
  });

  test.each(['', 'nonsense', '127.1', ' 1.1.1.1', '1.1.1.1/8', '2606:4700::1%eth0', 'fe80::1%1'])(
    'forbids what is no plain address: "%s"',
    (address) => expect(isForbidden(address)).toBe(true),
  );
});

describe('targetProblem', () => {
  test.each([
    'https://example.com/webhooks',
    'https://EXAMPLE.com:443/a?b=c',
    'https://example.com:8443',
    'https://hooks.slack.com/services/T0/B0/x',
    'https://bücher.example.com/',
    'https://notlocalhost.com/',
    'https://localhost.example.com/',
    'https://internal.example.com/',
    'https://amazonaws.com.example.org/',
    'https://api.aws.example.org/',
    // Receivers that customers have put behind the URL of a function.
    'https://x.lambda-url.eu-central-1.on.aws/',
    'https://1.1.1.1./',
  ])('allows %s', (url) => expect(targetProblem(url, false)).toBeUndefined());

  test.each([
    'https://localhost/',
    'https://LOCALHOST/',
    'https://localhost./',
    'https://api.localhost/',
    'https://printer.local/',
    'https://Printer.LOCAL/',
    'https://metadata.google.internal/',
    'https://router.home.arpa/',
    'https://x.execute-api.eu-central-1.amazonaws.com/',
    'https://sqs.eu-central-1.api.aws/',
    'https://dynamodb.cn-north-1.amazonaws.com.cn/',
    'https://sqs.cn-north-1.api.amazonwebservices.com.cn/',
    'https://sqs.eusc-de-east-1.amazonaws.eu/',
    'https://sqs.eusc-de-east-1.api.amazonwebservices.eu/',
    'https://intranet/',
    'https://com/',
    'https://example.com./',
    'https://printer.local./',
  ])('forbids %s, which is nothing of the public internet', (url) =>
    expect(targetProblem(url, false)).toBe(forbiddenTarget),
  );

  test.each([
    'https://127.1/',
    'https://0x7f.1/',
    'https://0x7F000001/',
    'https://017700000001/',
    'https://0177.0.0.1/',
    'https://2130706433/',
    'https://0/',
    'https://127.0.0.1./',
    'https://127.0.0.1/',
    'https://①②⑦.⓪.⓪.①/',
    'https://127。0。0。1/',
    'https://%31%32%37.0.0.1/',
    'https://169.254.43518/',
    'https://[::ffff:7f00:1]/',
    'https://[::ffff:127.0.0.1]/',
    'https://[0:0:0:0:0:0:0:1]/',
    'https:127.0.0.1/',
    'https:\\\\127.0.0.1\\',
    ' https://127.0.0.1/',
    'https://127.0\n.0.1/',
    'https://127.0.0.1:80\\@evil.com',
    'https://127.0.0.1:22/',
    'https://127.0.0.1?@example.com',
  ])('forbids %j, this machine or its metadata service in another notation', (url) => {
    expect(targetProblem(url, false)).toBe(forbiddenTarget);
  });

  test.each([
    ...['', 'example.com/hook', 'https://', 'https://[fe80::1%25eth0]/', 'https://1.2.3.256/'].map((url) => [
      url,
      'expected a URL such as https://example.com/webhooks',
    ]),
    ...['http://example.com/', 'http://example.com:8080/', 'ftp://example.com/'].map((url) => [url, 'expected https:']),
    ['file:///etc/passwd', 'expected https:; expected an address on the public internet'],
    ['http://127.0.0.1:9000/hook', 'expected https:; expected an address on the public internet'],
    ['http://foo@127.0.0.1/', `expected https:; ${noUser}; expected an address on the public internet`],
    ['https://foo@127.0.0.1/', `${noUser}; expected an address on the public internet`],
    ['https://:bar@example.com/', noUser],
    ['https://example.com@evil.com/', noUser],
    ['https://example.com/#top', 'expected no fragment; it would not be sent'],
    ['https://example.com:80/', 'expected port 443 or 8443'],
    ['https://example.com:22/', 'expected port 443 or 8443'],
    ['https://example.com:0/', 'expected port 443 or 8443'],
    [`https://example.com/${'a'.repeat(2029)}`, 'expected a URL of at most 2048 characters'],
    [`https://example.com/${'ü'.repeat(400)}`, 'expected a URL of at most 2048 characters'],
  ])('refuses %j for all that is wrong with it: %s', (url, problem) => expect(targetProblem(url, false)).toBe(problem));

  test('allows a URL of 2048 characters', () => {
    expect(targetProblem(`https://example.com/${'a'.repeat(2028)}`, false)).toBeUndefined();
  });

  test.each([
    'http://localhost:3000/hook',
    'http://127.0.0.1:8080/',
    'https://[::1]:9443/',
    'http://receiver:80/',
    'https://printer.local/',
  ])('allows %s where private targets are allowed', (url) => {
    expect(targetProblem(url, true)).toBeUndefined();
  });

  test.each([
    ['ftp://localhost/', 'expected https:'],
    ['http://me@localhost/', noUser],
    ['http://localhost/#top', 'expected no fragment; it would not be sent'],
    [`http://localhost/${'a'.repeat(2048)}`, 'expected a URL of at most 2048 characters'],
  ])('refuses %.40s where private targets are allowed, too', (url, problem) => {
    expect(targetProblem(url, true)).toBe(problem);
  });
});

describe('resolvePublicAddresses', () => {
  const vet = (url: string, addresses: readonly string[], allowPrivate = false) =>
    resolvePublicAddresses(new URL(url), async () => addresses, allowPrivate);

  test('finds all addresses of a name, with their families', async () => {
    expect(await vet('https://example.com/', ['93.184.216.34', '2606:4700:4700::1111'])).toEqual([
      { address: '93.184.216.34', family: 4 },
      { address: '2606:4700:4700::1111', family: 6 },
    ]);
  });

  test('allows translated addresses, with or without the IPv4 address beside them', async () => {
    const inside = ['93.184.215.14', '64:ff9b::5db8:d70e'];
    expect(await vet('https://example.com/', inside)).toMatchObject(inside.map((address) => ({ address })));
    expect(await vet('https://example.com/', inside.slice(1))).toEqual([{ address: inside[1], family: 6 }]);
  });

  test.each([
    ['a public IPv4 and a translated private one', 'https://two.example.com/', ['93.184.216.34', '64:ff9b::a00:1']],
    ['a name that spells an address', 'https://169.254.169.254.nip.io/', ['169.254.169.254']],
    ['a public and a private one', 'https://two.example.com/', ['93.184.216.34', '10.0.0.1']],
    ['a private and a public one', 'https://two.example.com/', ['10.0.0.1', '93.184.216.34']],
    ['a public IPv4 and a mapped private one', 'https://two.example.com/', ['93.184.216.34', '::ffff:10.0.0.1']],
    ['an answer that is no address', 'https://odd.example.com/', ['93.184.216.34', 'localhost']],
  ])('refuses %s', async (_, url, addresses) => {
    const error = await vet(url, addresses).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ForbiddenTargetError);
    expect(error).toHaveProperty('message', forbiddenTarget);
  });

  test('looks no literal up', async () => {
    const resolve = vi.fn();
    const vetLiteral = (url: string) => resolvePublicAddresses(new URL(url), resolve, false);
    expect(await vetLiteral('https://0x01010101/')).toEqual([{ address: '1.1.1.1', family: 4 }]);
    expect(await vetLiteral('https://[2001:200::1]/')).toEqual([{ address: '2001:200::1', family: 6 }]);
    await expect(vetLiteral('https://[::1]/')).rejects.toThrow(ForbiddenTargetError);
    expect(resolve).not.toHaveBeenCalled();
  });

  test('looks a name up anew at each call', async () => {
    const answers = [['93.184.216.34'], ['127.0.0.1']];
    const resolve = async () => answers.shift() ?? [];
    const url = new URL('https://flips.example.com/');
    expect(await resolvePublicAddresses(url, resolve, false)).toHaveLength(1);
    await expect(resolvePublicAddresses(url, resolve, false)).rejects.toThrow(ForbiddenTargetError);
  });

  test('fails for a name without records', async () => {
    await expect(vet('https://example.com/', [])).rejects.toThrow('the name has no address');
  });

  test('allows private addresses where it is told so', async () => {
    expect(await vet('http://receiver:3000/', ['10.0.0.1', '::1'], true)).toHaveLength(2);
  });
});

describe('headerProblem', () => {
  test.each(
    [
      ['authorization', 'Bearer abc'],
      ['X-Api-Key', '!~ printable'],
      ['x-tenant', ''],
      ['a'.repeat(64), 'b'.repeat(1024)],
      ['hostess', 'x'],
      // Tokens that receivers behind a gateway want, and what only sounds like an address.
      ...'CF-Access-Client-Id CF-Access-Client-Secret Ocp-Apim-Subscription-Key X-MS-Date X-Goog-Api-Key'.split(' '),
      ...'X-Client-Id X-Tooltip X-Ship Priority x-content'.split(' '),
    ].map((header) => [header].flat()),
  )('allows %.20s', (name, value = 'x') => expect(headerProblem(name!, value)).toBeUndefined());

  test.each(
    [
      'Host HOST Content-Type content-length content-encoding Transfer-Encoding connection TE trailer upgrade',
      'keep-alive proxy-authorization Proxy-Connection webhook-id Webhook-Signature webhook-anything',
      'x-amz-target X-Aws-Ec2-Metadata-Token metadata Metadata-Flavor expect accept-encoding user-agent',
      'content_length Transfer_Encoding webhook_id x_amz_date x-amz_date',
      // The caller, as a proxy of the receiver names it.
      'Forwarded Via X-Forwarded-For x-forwarded X-Forwarded_Host X-Forward-For X-Real-IP Client-IP X-Client-IP',
      'True-Client-IP X-Cluster-Client-IP Fastly-Client-IP CF-Connecting-IP X-ProxyUser-Ip cf-connecting-ipv6',
      'CF-Visitor X-Envoy-External-Address x-azure-clientip X-Azure-SocketIP Incap-Client-IP x-appengine-user-ip',
      'X-Remote-Addr Remote-User REMOTE_ADDR X-Originating-IP X-Host Fly-Client-IP x-nf-client-connection-ip',
      'X-Amzn-Oidc-Identity X-Goog-Authenticated-User-Email X-MS-Client-Principal-Name SSL-Client-Verify',
      'X-SSL-Client-S-DN X-Client-Cert Client-Cert Early-Data X-Scheme Front-End-Https',
      // Another request than the one that is made.
      'X-Original-URL X-Original-Host X-Rewrite-URL X-Override-URL X-HTTP-Method-Override X-HTTP-Method',
      'X-Method-Override X-Http-Host-Override Max-Forwards HTTP2-Settings Proxy',
    ].flatMap((line) => line.split(' ')),
  )('reserves %s', (name) => {
    expect(headerProblem(name, 'x')).toBe('expected a header that the notifier does not set or forbid');
  });

  test.each(['', 'a'.repeat(65), 'a b', 'a:', 'a\r\nb', 'a\n', 'ä', '(x)', '[x]', 'a/b', 'a\0'])(
    'takes %j for no name',
    (name) => expect(headerProblem(name, 'x')).toBe('expected a header name of 1 to 64 characters'),
  );

  test.each(['a\r\nhost: evil', 'a\n', '\r', '\0', 'a\tb', '\x7f', 'ü', '\u0100', '\u560a', 'a'.repeat(1025)])(
    'takes %j for no value',
    (value) => {
      expect(headerProblem('x-key', value)).toBe('expected a value of at most 1024 printable ASCII characters');
    },
  );
});
