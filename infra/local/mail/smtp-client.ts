import net, { type Socket } from 'node:net';
import { createTransport, type SMTPPoolOptions, type SMTPPoolSentMessageInfo, type Transporter } from 'nodemailer';
import pLimit from 'p-limit';
import { steady } from '#functions/clock/instants.ts';
import { addressProblem } from '#functions/transfers/mailbox-address.ts';
import type { Mail, MailAnswer, MailSender } from '#functions/webhooks/http/mail.ts';
import { type SmtpSettings, type SmtpTransport, smtpTransportOf } from '#infra/config/smtp.ts';
import { answerOf, type Hide, hiding, replyOf } from './smtp-answer.ts';
import { smtpMail } from './smtp-mail.ts';

export interface SmtpOptions extends SmtpSettings {
  /** Password of the user in the URL. */
  readonly password: string | undefined;
  /** Milliseconds for TCP. @default 5_000 */
  readonly connectTimeoutMs?: number;
  /** Milliseconds for a whole mail, from name look-up to the server's last word. @default 15_000 */
  readonly timeoutMs?: number;
  /** Milliseconds that a mail waits for its turn, so that it ends before the attempt's lease. @default 5_000 */
  readonly startWithinMs?: number;
  /** Certificates in PEM to trust instead of the public ones and those of `NODE_EXTRA_CA_CERTS`. */
  readonly ca?: string;
}

/** Exchange Online allows three connections of a user at once (Microsoft, *Exchange Online limits*). */
const mostConnections = 3;

/** Milliseconds that an idle connection is kept; servers wait at least 5 min (RFC 5321, 4.5.3.2.7). */
const keptForMs = 5000;

/** Milliseconds for each of several addresses of a host; Node's own 250 ms gives up a host that is far away. */
const addressTimeoutMs = 2000;

/** Sends mails by SMTP. Connections are kept for a few seconds, and do not keep the process alive. */
export class SmtpClient implements MailSender {
  private readonly from: string;
  private readonly route: SmtpTransport;
  private readonly connectTimeoutMs: number;
  private readonly timeoutMs: number;
  private readonly startWithinMs: number;
  private readonly slots = pLimit(mostConnections);
  private readonly hide: Hide;
  private readonly transport: Transporter<SMTPPoolSentMessageInfo, SMTPPoolOptions>;
  private readonly sockets = new Set<Socket>();
  private inFlight = 0;

  constructor({ url, from, password, ca, ...times }: SmtpOptions) {
    const { connectTimeoutMs = 5000, timeoutMs = 15_000, startWithinMs = 5000 } = times;
    this.from = from;
    this.route = smtpTransportOf(url);
    this.connectTimeoutMs = connectTimeoutMs;
    this.timeoutMs = timeoutMs;
    this.startWithinMs = startWithinMs;
    this.hide = hiding(password);
    this.transport = this.pool(password, ca);
  }

  /** Never throws for what the server, the network or the address does. */
  async send(mail: Mail): Promise<MailAnswer> {
    const problem = addressProblem(mail.address);
    if (problem) return { cause: 'mail_refused', response: problem };
    const composed = smtpMail(mail, this.from);
    const askedAt = steady();
    const start = async (): Promise<MailAnswer> => {
      // Begun late, it could be given up while the server takes it, and then be sent again.
      if (steady() - askedAt > this.startWithinMs) return { cause: 'timeout' };
      const signal = AbortSignal.timeout(this.timeoutMs);
      const { response } = await this.transport.sendMail({ ...composed, signal });
      return replyOf(response, this.hide);
    };
    return this.holding(() => this.slots(start));
  }

  /** Connects and logs in, without a mail. */
  async verify(): Promise<MailAnswer> {
    return this.holding(async () => {
      const { promise: late, resolve } = Promise.withResolvers<MailAnswer>();
      const timer = setTimeout(() => {
        resolve({ cause: 'timeout' });
        for (const socket of this.sockets) socket.destroy();
      }, this.timeoutMs);
      return Promise.race([this.transport.verify().then(() => ({})), late]).finally(() => clearTimeout(timer));
    });
  }

  /** Closes idle connections; a mail in flight is finished first. */
  close(): void {
    this.transport.close();
  }

  private pool(password: string | undefined, ca: string | undefined): SmtpClient['transport'] {
    const { host, port, isImplicitTls, mustEncrypt, user } = this.route;
    const { timeoutMs } = this;
    const options: SMTPPoolOptions & { pool: true } = {
      pool: true,
      host,
      port,
      secure: isImplicitTls,
      requireTLS: !isImplicitTls && mustEncrypt,
      // Where clear text is allowed, a checked certificate would protect nothing.
      tls: { rejectUnauthorized: mustEncrypt, ...(ca !== undefined && { ca }) },
      // A login is made even if the server does not offer it: mails go out as this user or not at all.
      ...(user !== undefined && { auth: { user, pass: password ?? '' }, forceAuth: true }),
      getSocket: (_, callback) =>
        void this.connected(host, port).then((connection) => callback(null, { connection }), callback),
      connectionTimeout: timeoutMs,
      greetingTimeout: timeoutMs,
      socketTimeout: timeoutMs,
      // Destroys at once the socket of a server that hangs.
      socketCloseTimeout: 0,
      maxConnections: mostConnections,
      idleTimeout: keptForMs,
      // Only for a kept connection that the server has ended before it took the mail.
      maxRequeues: 1,
      disableFileAccess: true,
      disableUrlAccess: true,
    };
    return createTransport(options);
  }

  /** Resolves names as Node does elsewhere, which nodemailer would not. */
  private connected(host: string, port: number): Promise<Socket> {
    const socket = net.connect({ host, port, autoSelectFamilyAttemptTimeout: addressTimeoutMs });
    this.sockets.add(socket.once('close', () => this.sockets.delete(socket)));
    const { promise, resolve, reject } = Promise.withResolvers<Socket>();
    const late = Object.assign(new Error('no connection'), { code: 'ETIMEDOUT' });
    const timer = setTimeout(() => socket.destroy(late), this.connectTimeoutMs);
    socket.once('connect', () => resolve(socket)).on('error', reject);
    return promise.finally(() => clearTimeout(timer));
  }

  /** Keeps the process alive for as long as it works. */
  private async holding(work: () => Promise<MailAnswer>): Promise<MailAnswer> {
    this.inFlight += 1;
    for (const socket of this.sockets) socket.ref();
    try {
      return await work();
    } catch (error) {
      return answerOf(error, this.hide);
    } finally {
      this.inFlight -= 1;
      if (this.inFlight === 0) for (const socket of this.sockets) socket.unref();
    }
  }
}
