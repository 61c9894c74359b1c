import type { Context, MiddlewareHandler } from 'hono';
import { getCookie, setCookie } from 'hono/cookie';
import { isSameSecret, newSecret } from '#infra/loopback/loopback-guard.ts';

/** Secrets of one console: of its first address, of the browser that was admitted, and of its forms. */
export class Admission {
  readonly token = newSecret();
  readonly csrf = newSecret();
  /** Token of the first admission alone: the list of processes shows it to every user of this machine. */
  readonly ticket = newSecret();
  private readonly session = newSecret();
  private isTicketValid = true;

  /**
   * Lets in a browser that has a token in its address, by a cookie, and then those with the cookie. Others get `refused`.
   * The cookie's name has the port, since browsers send cookies to all ports of a host.
   */
  check(refused: (context: Context) => Response | Promise<Response>): MiddlewareHandler {
    return async (context, next) => {
      const url = new URL(context.req.url);
      const name = `notifier-console-${url.port}`;
      const token = url.searchParams.get('token');
      const isKnown = isSameSecret(getCookie(context, name) ?? '', this.session);
      if (!isKnown && !this.admits(token ?? '')) return refused(context);
      if (token !== null) {
        this.isTicketValid = false;
        setCookie(context, name, this.session, { httpOnly: true, sameSite: 'Strict', path: '/' });
        return context.redirect('/', 303);
      }
      await next();
      return undefined;
    };
  }

  private admits(token: string): boolean {
    return isSameSecret(token, this.token) || (this.isTicketValid && isSameSecret(token, this.ticket));
  }

  isOwnForm = (csrf: string | undefined): boolean => isSameSecret(csrf ?? '', this.csrf);
}
