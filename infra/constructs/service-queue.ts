import { Duration, Validations } from 'aws-cdk-lib';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';

/** Queue that invokes a function, with a dead-letter queue for messages that the function cannot handle. */
export class ServiceQueue extends Construct {
  readonly queue: Queue;
  readonly deadLetters: Queue;

  /**
   * @param functionTimeout timeout of the function that the queue invokes
   * @param again visibility timeout of a received message, and receives before it becomes a dead letter
   * @default again - six function timeouts, as Lambda recommends, and 5 receives. A message of a throttled function
   *   must not reappear while Lambda still retries it, because each receive counts.
   */
  constructor(
    scope: Construct,
    id: string,
    functionTimeout: Duration,
    again = { hidden: Duration.seconds(6 * functionTimeout.toSeconds()), times: 5 },
  ) {
    super(scope, id);
    this.deadLetters = new DeadLetterQueue(this, 'DeadLetters', Duration.days(14));
    this.queue = new Queue(this, 'Queue', {
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      visibilityTimeout: again.hidden,
      retentionPeriod: Duration.days(14),
      deadLetterQueue: { queue: this.deadLetters, maxReceiveCount: again.times },
    });
  }

  /** @param concurrency batches that the function handles at the same time, at most */
  feed(worker: LambdaFunction, concurrency: number): void {
    const mapping = worker.addEventSourceMapping('Messages', {
      eventSourceArn: this.queue.queueArn,
      batchSize: 10,
      reportBatchItemFailures: true,
      maxConcurrency: concurrency,
    });
    // Lambda's poller of the queue uses these rights in the name of the function.
    this.queue.grant(worker, 'sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes');
    Validations.of(mapping).acknowledge({
      id: 'Serverless::Serverless-LambdaEventSourceMappingDestination',
      reason: 'for a queue Lambda knows no such destination; the queue has a dead-letter queue instead',
    });
  }
}

/** Reason why a function that such a queue invokes needs no dead-letter queue of its own. */
export const lostMessages = 'the queue that invokes it has a dead-letter queue';

export class DeadLetterQueue extends Queue {
  constructor(scope: Construct, id: string, retentionPeriod: Duration) {
    super(scope, id, { encryption: QueueEncryption.SQS_MANAGED, enforceSSL: true, retentionPeriod });
    const reason = 'this is where messages end that could not be handled; an alarm tells when there are some';
    Validations.of(this).acknowledge(
      { id: 'AwsSolutions::AwsSolutions-SQS3', reason },
      { id: 'Serverless::Serverless-SQSRedrivePolicy', reason },
    );
  }
}
