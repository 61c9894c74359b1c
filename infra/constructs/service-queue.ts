import { Duration, Validations } from 'aws-cdk-lib';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';

/** A queue that a function works on, and the queue for what the function cannot handle. */
export class ServiceQueue extends Construct {
  readonly queue: Queue;
  readonly deadLetters: Queue;

  /**
   * @param functionTimeout of the function that works on it
   * @param again how long a message is hidden from others that was received, and how often it is before it is one of the dead
   *   letters. By default six times as long as the function may take, as Lambda recommends: messages of a throttled function
   *   must not come back while it still tries, for that counts.
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

  /**
   * Has a function work on the queue.
   *
   * @param concurrency batches at the same time
   */
  feed(worker: LambdaFunction, concurrency: number): void {
    const mapping = worker.addEventSourceMapping('Messages', {
      eventSourceArn: this.queue.queueArn,
      batchSize: 10,
      reportBatchItemFailures: true,
      maxConcurrency: concurrency,
    });
    // What Lambda's poller of the queue does in the name of the function.
    this.queue.grant(worker, 'sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes');
    Validations.of(mapping).acknowledge({
      id: 'Serverless::Serverless-LambdaEventSourceMappingDestination',
      reason: 'for a queue Lambda knows no such destination; the queue has a dead-letter queue instead',
    });
  }
}

/** Why a function that works on such a queue needs no queue of its own for lost invocations. */
export const lostMessages = 'the queue that invokes it has a dead-letter queue';

/** A queue for what could not be handled. */
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
