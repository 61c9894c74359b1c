import { posix } from 'node:path';
import { exitCodes } from '#infra/local/process/exit-codes.ts';

/** Places of a service; all paths are absolute. */
export interface ServicePlaces {
  /** Program of Node.js. */
  readonly node: string;
  /** Folder with package.json. */
  readonly project: string;
  /** Configuration file. */
  readonly config: string;
  /** Data folder. */
  readonly data: string;
  /** Name of the user that the service runs as. */
  readonly user: string;
}

/** Environment of the service: secrets, which only root can read there. */
export const environmentFile = '/etc/transfer-notifier.env';

/** Exit codes after a second signal (SIGHUP, SIGINT, SIGTERM), by which a person wants the end. */
const endedByPerson = [129, 130, 143];

/**
 * Writes a unit of systemd. Its user can write to the data folder alone, gains no rights, and sees neither devices nor
 * the files in homes.
 */
export function unitOf({ node, project, config, data, user }: ServicePlaces): string {
  const homes = [node, project, config, data].some((path) => /^\/(?:home|root|run\/user)(?:\/|$)/.test(path));
  const args = ['infra/local/main.ts', '--config', config, '--data', data, '--json'].map(argument).join(' ');
  return `[Unit]
Description=Transfer Notifier
Documentation=file://${escaped(encodeURI(project))}/docs/operations.md
Wants=network-online.target
After=network-online.target
# A failing start is tried again for as long as it fails.
StartLimitIntervalSec=0

[Service]
Type=notify
NotifyAccess=all
WatchdogSec=2min
User=${user}
WorkingDirectory=${escaped(project)}
EnvironmentFile=${environmentFile}
ExecStart=${quoted(node)} ${args}
# The start reads the whole database to find damage.
TimeoutStartSec=15min
TimeoutStopSec=10
KillMode=mixed
Restart=on-failure
RestartSec=10
# Wrong options or configuration, which only a person can mend.
RestartPreventExitStatus=${exitCodes.wrongStart}
SuccessExitStatus=${endedByPerson.join(' ')}

UMask=0077
${folderLines(data)}
ProtectSystem=strict
ProtectHome=${homes ? 'read-only' : 'yes'}
PrivateTmp=yes
PrivateDevices=yes
PrivateUsers=yes
PrivateMounts=yes
ProtectProc=invisible
ProtectClock=yes
ProtectHostname=yes
ProtectControlGroups=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
NoNewPrivileges=yes
CapabilityBoundingSet=
AmbientCapabilities=
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
RemoveIPC=yes
KeyringMode=private
LockPersonality=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
SystemCallErrorNumber=EPERM

[Install]
WantedBy=multi-user.target
`;
}

/** Has systemd create a data folder below /var/lib; any other must exist and belong to the user. */
function folderLines(data: string): string {
  const name = posix.relative('/var/lib', data);
  const isState = /^[\w-][\w.-]*(?:\/[\w-][\w.-]*)*$/.test(name);
  return isState ? `StateDirectory=${name}\nStateDirectoryMode=0700` : `ReadWritePaths=${quoted(data)}`;
}

/** Escapes what systemd would replace anywhere (systemd.unit(5), Specifiers). */
const escaped = (text: string): string => text.replaceAll('%', '%%');

/** Writes a word of a list (systemd.syntax(7), Quoting). */
const quoted = (text: string): string =>
  /^[\w/.:@+=,%-]+$/.test(text) ? escaped(text) : `"${escaped(text).replace(/["\\]/g, '\\$&')}"`;

/** Writes an argument of a command, in which systemd would replace variables as well. */
const argument = (text: string): string => quoted(text).replaceAll('$', '$$$$');
