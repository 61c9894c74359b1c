import { describe, expect, it } from 'vitest';
import { type EndpointEvent, endpointEvent, testEvent } from '#functions/events/endpoint-event.ts';
import { endpointNotice, testNotice } from '#functions/notices/notice.ts';

const at = '2026-11-24T14:05:59.120Z';
const noticeOf = (type: EndpointEvent['type'], disableAt?: string) =>
  endpointNotice(
    endpointEvent(
      type,
      {
        endpoint: 'crm',
        cause: 'timeout',
        message: 'it does not answer within 15 s',
        failingSince: '2026-11-24T13:00:00.000Z',
        ...(disableAt !== undefined && { disableAt }),
      },
      at,
    ),
  );

describe('endpointNotice', () => {
  it.each([
    {
      notice: noticeOf('endpoint.failing'),
      severity: 'warning',
      subject: 'Webhook crm is failing',
      text: `The webhook crm has failed since 2026-11-24 13:00 UTC: it does not answer within 15 s.
Its events are kept, and delivered as soon as it answers.
`,
    },
    {
      notice: noticeOf('endpoint.failing', '2026-11-29T13:00:00.000Z'),
      severity: 'warning',
      subject: 'Webhook crm will be disabled',
      text: `The webhook crm has failed since 2026-11-24 13:00 UTC: it does not answer within 15 s.
Unless it succeeds once, it is disabled at 2026-11-29 13:00 UTC. Its events are kept.
`,
    },
    {
      notice: noticeOf('endpoint.disabled'),
      severity: 'alert',
      subject: 'Webhook crm is disabled',
      text: `The webhook crm has failed since 2026-11-24 13:00 UTC and is disabled: it does not answer within 15 s.
Its events are held. Once it is mended, enable it and recover them.
`,
    },
    {
      notice: noticeOf('endpoint.recovered'),
      severity: 'info',
      subject: 'Webhook crm works again',
      text: `The webhook crm works again. It had failed since 2026-11-24 13:00 UTC: it does not answer within 15 s.
`,
    },
  ])('says $subject with the severity $severity', ({ notice, severity, subject, text }) => {
    expect(notice).toMatchObject({ subject, text, record: { severity, headline: subject, timestamp: at } });
    expect(notice.chat.content.title).toBe(subject);
  });

  it('has no watch and no transfers', () => {
    const { record } = noticeOf('endpoint.disabled');
    expect(record).toMatchObject({ types: ['endpoint.disabled'], items: [], more: 0 });
    expect(record).not.toHaveProperty('mailbox');
  });

  it('has its own id, the same each time', () => {
    const notices = [
      noticeOf('endpoint.failing'),
      noticeOf('endpoint.failing', '2026-11-29T13:00:00.000Z'),
      noticeOf('endpoint.disabled'),
      noticeOf('endpoint.recovered'),
    ];
    expect(new Set(notices.map(({ record }) => record.id)).size).toBe(4);
    expect(noticeOf('endpoint.failing').record.id).toBe(notices[0]!.record.id);
  });
});

describe('testNotice', () => {
  it('says that it is a test', () => {
    const { subject, text, record } = testNotice(testEvent('crm', at));
    expect(subject).toBe('A test of Transfer Notifier');
    expect(text).toBe('This is a test: the endpoint works.\n');
    expect(record).toMatchObject({ severity: 'info', types: ['notifier.test'], timestamp: at });
  });
});
