import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { BlockList, isIP } from 'node:net';
import { domainToASCII } from 'node:url';
import { hostOf } from '#functions/http/proxy.ts';
import { addressKey } from '#functions/transfers/address-key.ts';
import { isForbidden } from '#functions/webhooks/http/ssrf-guard.ts';
import { type Config, loadConfig } from './config.ts';
import { scheduleProblems } from './deployment-check-schedule.ts';
import { mostMailboxes, webhookProblems } from './deployment-check-webhooks.ts';
import { repetitions } from './repeated-entries.ts';

/**
 * Reads a configuration file, and checks that it can be deployed. One that suits a local run may fail halfway through a
 * deployment. @throws ConfigError that lists every mistake
 */
export function loadDeployableConfig(file: string): Config {
  return loadConfig(file, (config) => [...deploymentProblems(config), ...certificateProblems(config)]);
}

/** Problems that prevent the deployment of a valid configuration, each with its path and remedy. */
export const deploymentProblems = (config: Config): string[] =>
  [
    serverProblem(config),
    ...scheduleProblems(config),
    ...notifyProblems(config),
    ...webhookProblems(config),
    proxyProblem(config),
    emailProblem('alarmEmail', config.alarmEmail),
    ...networkProblems(config),
  ].filter((problem) => typeof problem === 'string');

/** Loopback, unspecified and link-local addresses. */
const thisMachine = new BlockList();
thisMachine.addSubnet('127.0.0.0', 8, 'ipv4');
thisMachine.addSubnet('0.0.0.0', 8, 'ipv4');
thisMachine.addSubnet('169.254.0.0', 16, 'ipv4');
thisMachine.addAddress('::', 'ipv6');
thisMachine.addAddress('::1', 'ipv6');
thisMachine.addSubnet('fe80::', 10, 'ipv6');

function isLocal(host: string): boolean {
  const family = isIP(host);
  return family === 0 ? /(?:^|\.)localhost$/.test(host) : thisMachine.check(host, `ipv${family as 4 | 6}`);
}

const isPrivate = (host: string): boolean =>
  isIP(host) === 0 ? /^[^.]+$|\.(?:local|internal|lan|home\.arpa)$/.test(host) : isForbidden(host);

function serverProblem({ server, vpc }: Config): string | undefined {
  const host = hostOf(new URL(server.url));
  if (isLocal(host))
    return `server.url: expected an address that AWS can reach, got ${host}, which is this machine: name the server as others reach it, by https:`;
  return isPrivate(host) && !vpc
    ? `server.url: expected an address on the internet, got ${host}: name the server's public address, or under vpc the network that leads to it`
    : undefined;
}

/** Requires a public proxy, since the function that sends webhooks is in no VPC. */
function proxyProblem({ proxy }: Config): string | undefined {
  if (proxy === undefined) return undefined;
  const host = hostOf(new URL(proxy.includes('://') ? proxy : `http://${proxy}`));
  return isLocal(host) || isPrivate(host)
    ? `proxy: expected an address on the internet, from where AWS sends webhooks, got ${host}: name one that is there`
    : undefined;
}

/** As many as surely fit into the topics for them, of which none has over 200 by chance. */
const mostAddresses = 600;

function notifyProblems({ notify: { readers } }: Config) {
  const addresses = readers.map(({ email }) => email && addressKey(email));
  const count = addresses.filter((address) => address !== undefined).length;
  return [
    ...readers.flatMap(({ email, mailboxes = [] }, index) => [
      emailProblem(`notify.readers[${index}].email`, email),
      mailboxes.length > mostMailboxes &&
        `notify.readers[${index}].mailboxes: expected at most ${mostMailboxes}, as many as surely fit into one row, got ${mailboxes.length}: divide them among several readers`,
    ]),
    // SNS keeps one subscription of an address to a topic, so that it would have the filter of one reader alone.
    ...repetitions(
      addresses,
      (index, first) =>
        `notify.readers[${index}].email: expected each address once on AWS, but notify.readers[${first}] has the same: make them one reader`,
    ),
    count > mostAddresses &&
      `notify.readers: expected at most ${mostAddresses} by e-mail, as many as SNS topics surely filter for, got ${count}: name a mailing list`,
  ];
}

/** Problem of a valid address that SNS cannot send to: it supports ASCII only. */
function emailProblem(path: string, address = ''): string | undefined {
  const [local, domain = ''] = address.split('@') as [string, string?];
  if (!isAscii(local))
    return `${path}: expected an address with ASCII characters alone before the @, as SNS needs it: name another one`;
  return isAscii(domain)
    ? undefined
    : `${path}: expected a domain in ASCII, as SNS needs it: write ${domainToASCII(domain)} for it`;
}

const isAscii = (text: string): boolean => /^\p{ASCII}*$/u.test(text);

/** Limit of Lambda for the subnets of a function. */
const mostSubnets = 16;

function networkProblems({ vpc }: Config) {
  const subnets = vpc?.subnets ?? [];
  return [
    ...repetitions(
      subnets,
      (index, first) =>
        `vpc.subnets[${index}]: expected each subnet once, but vpc.subnets[${first}] is the same: leave it out`,
    ),
    subnets.length > mostSubnets &&
      `vpc.subnets: expected at most ${mostSubnets}, as many as a function can be in, got ${subnets.length}: name one for each availability zone`,
  ];
}

/** Allows only certificates: the deployment ships the file with the poll function, which can use nothing else. */
function certificateProblems({ server: { caFile } }: Config): string[] {
  if (caFile === undefined) return [];
  let text: string;
  try {
    text = readFileSync(caFile, 'utf8');
  } catch {
    // `loadConfig` reports an unreadable file.
    return [];
  }
  if (text.includes('PRIVATE KEY-----'))
    return ['server.caFile: expected certificates alone, got a private key, which must stay off AWS: take it out'];
  const certificates = text.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  const remedy = 'export that of the authority as Base64 (-----BEGIN CERTIFICATE-----)';
  const isSound = certificates.length > 0 && certificates.every(isCertificate);
  return isSound ? [] : [`server.caFile: expected certificates in PEM: ${remedy}`];
}

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).subject !== undefined;
  } catch {
    return false;
  }
}
