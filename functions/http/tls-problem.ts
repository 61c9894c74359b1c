import problems from './tls-problems.json' with { type: 'json' };

/**
 * Problems by the codes that Node and OpenSSL really give: each with the finding, to follow "its" or "the server’s", and
 * the remedy when the other side is the Cryptshare Server. The first match counts. Sources: Node’s documentation of
 * `tls`, *X509 certificate error codes*; names of alerts in OpenSSL’s `ssl_err.c`.
 */
const known = Object.entries(problems).map(([name, { codes, ...words }]) => {
  return { finding: name as TlsFinding, codes: new RegExp(codes), ...words };
});

export type TlsFinding = keyof typeof problems;

/** Reason why a TLS connection was not trusted or not made, for a code of {@link codeOf}; undefined for other codes. */
export function tlsProblemOf(code: string) {
  const problem = known.find(({ codes }) => codes.test(code));
  // Without the certificate at fault, there was no connection to show one.
  return problem && { ...problem, isCertificate: problem.says.startsWith('certificate') };
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
