/** True for a URL without user name, password, query and fragment. */
export const isPlain = ({ username, password, search, hash }: URL): boolean =>
  username + password + search + hash === '';

/** True for a host name that always means this machine. */
export const isLoopback = (hostname: string): boolean => /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname);
