import { generate } from 'selfsigned';

/**
 * A key and a certificate for 127.0.0.1, both in PEM, that no public authority has signed.
 *
 * @param notAfter its end; by default in a year
 */
export async function selfSigned(notAfter?: Date): Promise<{ key: string; cert: string }> {
  const { private: key, cert } = await generate([{ name: 'commonName', value: '127.0.0.1' }], {
    keyType: 'ec',
    ...(notAfter && { notAfterDate: notAfter }),
    extensions: [
      { name: 'basicConstraints', cA: true },
      { name: 'subjectAltName', altNames: [{ type: 7, ip: '127.0.0.1' }] },
    ],
  });
  return { key, cert };
}
