/** Parses JSON; undefined when the text is none. An error would quote the text, and with it a mailbox or a secret. */
export function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
