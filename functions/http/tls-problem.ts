const renew = 'have its operator renew the certificate';

/**
 * Problems by the codes that Node and OpenSSL really give: each with the finding, to follow "its" or "the server’s", and
 * the remedy when the other side is the Cryptshare Server. The first match counts. Sources: Node’s documentation of
 * `tls`, *X509 certificate error codes*; names of alerts in OpenSSL’s `ssl_err.c`.
 */
const problems = [
  [
    /ALTNAME_INVALID|HOSTNAME_MISMATCH/,
    'certificate is for another host name',
    'use a name in server.url that the certificate lists, or have a certificate issued for this name',
  ],
  [/CERT_HAS_EXPIRED/, 'certificate has expired', `${renew}; if it has not expired, set the clock of this machine`],
  [
    /CERT_NOT_YET_VALID/,
    'certificate is not valid yet',
    'set the clock of this machine, or have the certificate issued anew',
  ],
  [/^CERT_REVOKED/, 'certificate has been revoked', renew],
  [
    /TOO_WEAK|MD_TOO|(?:CA|EE)_KEY_TOO_SMALL/,
    'certificate has a key or a signature that is too weak to be trusted',
    `${renew}, with SHA-256 or better`,
  ],
  [
    /^DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_GET_ISSUER|UNABLE_TO_VERIFY|CERT_UNTRUSTED|INVALID_CA/,
    'certificate comes from an authority that is not trusted here',
    'set server.caFile to the certificate (PEM) of the authority that issued it, and have the server send its intermediate certificates',
  ],
  [
    /CERTIFICATE_REQUIRED|ALERT_BAD_CERTIFICATE/,
    'side wants a client certificate, and the notifier has none',
    'have the server, or the proxy before it, let the notifier in without one',
  ],
  [
    /PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL|VERSION_TOO_LOW/,
    'side speaks no version of TLS that is safe',
    'have TLS 1.2 or 1.3 switched on there',
  ],
  [
    /WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|HTTP_REQUEST|HTTPS_PROXY_REQUEST/,
    'side does not speak TLS at this port',
    'check the port in server.url',
  ],
  [/UNRECOGNIZED_NAME/, 'side does not know this host name', 'check the host name in server.url'],
  [
    /^EPROTO|^ERR_SSL/,
    'side refuses the TLS connection; it may want a client certificate, or share no cipher',
    'look at the log of the server, or of the proxy before it',
  ],
  [
    /CERT|CRL|SIGNATURE|PURPOSE|PATH_LENGTH|SUBJECT_ISSUER|AKID/,
    'certificate cannot be used',
    `${renew}: a certificate for servers, with all that is above it`,
  ],
] as const satisfies readonly (readonly [codes: RegExp, says: string, remedy: string])[];

export type TlsFinding = (typeof problems)[number][1];

/** Reason why a TLS connection was not trusted or not made, for a code of {@link codeOf}; undefined for other codes. */
export function tlsProblemOf(code: string) {
  const [, says, remedy] = problems.find(([codes]) => codes.test(code)) ?? [];
  // Without the certificate at fault, there was no connection to show one.
  return says && { says, remedy, isCertificate: says.startsWith('certificate') };
}

/**
 * Code of a Node error, if any, made exact where Node names only a group. OpenSSL’s reason is then in the message.
 * `EPROTO` is a handshake that fails while its first bytes are written. `UNSPECIFIED` is a certificate problem without
 * a Node code.
 */
export function codeOf(error: unknown): string | undefined {
  const { code, message } = (error ?? {}) as { code?: unknown; message?: unknown };
  if (typeof code !== 'string') return undefined;
  if (code === 'UNSPECIFIED') return `CERT_${nameCause(String(message))}`;
  const reason = code === 'EPROTO' ? /:SSL routines:[^:]*:([^:]+):/.exec(String(message))?.[1] : undefined;
  return nameCause(reason === undefined ? code : `ERR_SSL_${reason}`);
}

/** Turns `ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE` into a word, and lets no foreign text through. */
const nameCause = (text: string): string =>
  text
    .toUpperCase()
    .replaceAll(/[^A-Z0-9]+/g, '_')
    .slice(0, 80);
