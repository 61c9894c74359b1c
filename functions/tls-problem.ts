/** What kept a TLS connection from being trusted or made, in words for people. */
export interface TlsProblem {
  /** What was found, to stand after "its" or "the server’s". */
  readonly says: string;
  /** What to do when the other side is the Cryptshare Server. */
  readonly serverRemedy: string;
  /** What to do when the other side is the receiver of a webhook. */
  readonly receiverRemedy: string;
}

const renew = 'have its operator renew the certificate';

/** By Node's and OpenSSL's error codes (Node's documentation of `tls`, *X509 certificate error codes*). */
const problems: readonly (readonly [codes: RegExp, problem: TlsProblem])[] = [
  [
    /ALTNAME_INVALID|HOSTNAME_MISMATCH/,
    {
      says: 'certificate is for another host name',
      serverRemedy: 'use a name in server.url that the certificate lists, or have a certificate issued for this name',
      receiverRemedy: 'use a name in its URL that the certificate lists, or have a certificate issued for this name',
    },
  ],
  [
    /CERT_HAS_EXPIRED/,
    {
      says: 'certificate has expired',
      serverRemedy: `${renew}; if it has not expired, set the clock of this machine`,
      receiverRemedy: `${renew}; if it has not expired, set the clock of this machine`,
    },
  ],
  [
    /CERT_NOT_YET_VALID/,
    {
      says: 'certificate is not valid yet',
      serverRemedy: 'set the clock of this machine, or have the certificate issued anew',
      receiverRemedy: 'set the clock of this machine, or have the certificate issued anew',
    },
  ],
  [/CERT_REVOKED/, { says: 'certificate has been revoked', serverRemedy: renew, receiverRemedy: renew }],
  [
    /SELF_SIGNED|ISSUER|UNABLE_TO_VERIFY|CERT_UNTRUSTED|INVALID_CA/,
    {
      says: 'certificate comes from an authority that is not trusted here',
      serverRemedy:
        'set server.caFile to the certificate (PEM) of the authority that issued it, and have the server send its intermediate certificates',
      receiverRemedy:
        'have it send its intermediate certificates; for a private authority, start the local run with NODE_EXTRA_CA_CERTS=FILE (PEM), and on AWS use a public one',
    },
  ],
  [
    /CERTIFICATE_REQUIRED|BAD_CERTIFICATE/,
    {
      says: 'side wants a client certificate, which the notifier has none of',
      serverRemedy: 'have the server, or the proxy before it, let the notifier in without one',
      receiverRemedy: 'have the receiver check the signature of each webhook in place of a client certificate',
    },
  ],
  [
    /PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL|VERSION_TOO_LOW/,
    {
      says: 'side speaks no version of TLS that is safe',
      serverRemedy: 'have TLS 1.2 or 1.3 switched on there',
      receiverRemedy: 'have TLS 1.2 or 1.3 switched on there',
    },
  ],
  [
    /WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|HTTP_REQUEST/,
    {
      says: 'side does not speak TLS at this port',
      serverRemedy: 'check the port in server.url',
      receiverRemedy: 'check the port in its URL',
    },
  ],
  [
    /HANDSHAKE_FAILURE|EPROTO|ERR_SSL|ERR_TLS/,
    {
      says: 'side refuses the TLS connection; it may want a client certificate, or share no cipher',
      serverRemedy: 'look at the log of the server, or of the proxy before it',
      receiverRemedy: 'look at the receiver’s log',
    },
  ],
  [
    /CERT|CRL|SIGNATURE|INVALID_PURPOSE|PATH_LENGTH/,
    { says: 'certificate cannot be used', serverRemedy: renew, receiverRemedy: renew },
  ],
];

/**
 * What an error code says about TLS; undefined when it is about something else.
 *
 * @param code of an error of `node:https` or `node:tls`, for example `CERT_HAS_EXPIRED`
 */
export const tlsProblemOf = (code: string): TlsProblem | undefined => problems.find(([codes]) => codes.test(code))?.[1];
