import type { Context, MiddlewareHandler } from 'hono';
import { getCookie, setCookie } from 'hono/cookie';
import { isSameSecret, newSecret } from '#infra/loopback/loopback-guard.ts';

/** Secrets of one console: of its first address, of the browser that was admitted, and of its forms. */
export class Admission {
  readonly token = newSecret();
  readonly csrf = newSecret();
  private readonly session = newSecret();

  /**
   * Lets in a browser that has the token in its address, by a cookie, and then those with the cookie. Others get `refused`.
   * The cookie's name has the port, since browsers send cookies to all ports of a host.
   */
  check(refused: (context: Context) => Response | Promise<Response>): MiddlewareHandler {
    return async (context, next) => {
      const url = new URL(context.req.url);
      const name = `notifier-console-${url.port}`;
      const token = url.searchParams.get('token');
      if (token !== null) {
        if (!isSameSecret(token, this.token)) return refused(context);
        setCookie(context, name, this.session, { httpOnly: true, sameSite: 'Strict', path: '/' });
        return context.redirect('/', 303);
      }
      if (!isSameSecret(getCookie(context, name) ?? '', this.session)) return refused(context);
      await next();
      return undefined;
    };
  }

  isOwnForm = (csrf: string | undefined): boolean => isSameSecret(csrf ?? '', this.csrf);
}
