import { Aws, Duration, Stack, Validations } from 'aws-cdk-lib';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { CfnFunction, IDestination, Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { Schedule, ScheduleExpression, ScheduleTargetInput } from 'aws-cdk-lib/aws-scheduler';
import { LambdaInvoke } from 'aws-cdk-lib/aws-scheduler-targets';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';

/** Shortest rate of EventBridge Scheduler. A watch with a longer interval is due at its own offset within it. */
export const tickInterval = Duration.minutes(1);

/** Oldest tick that is still delivered: the next tick does the same work. */
const maxAge = Duration.seconds(60);

/** Reason why a scheduled function needs no dead-letter queue of its own. */
export const lostTick =
  'what is left of a lost tick goes to the queue of missed ticks, and the next tick makes up for it';

/** Invokes a function each minute. */
export class ScheduledInvocation extends Construct {
  /**
   * @param missed receives the ticks that did not reach the function, or at which it failed
   * @param inputs of the invocations at each tick, by names
   */
  constructor(
    scope: Construct,
    id: string,
    target: LambdaFunction,
    missed: IQueue,
    inputs: Readonly<Record<string, object>>,
  ) {
    super(scope, id);
    const role = new Role(this, 'Role', { assumedBy: schedulerOf(this) });
    Validations.of(role).acknowledge({
      id: `AwsSolutions::AwsSolutions-IAM5[Resource::<${logicalIdOf(target)}.Arn>:*]`,
      reason: 'the right to invoke this one function covers its versions',
    });
    // The scheduler hands each tick to Lambda's internal queue. Only Lambda reports the ticks that it drops there,
    // because the account had no concurrency left or the function failed. It retries none of them.
    target.configureAsyncInvoke({ retryAttempts: 0, maxEventAge: maxAge, onFailure: recordsTo(missed) });
    const delivery = { maxEventAge: maxAge, retryAttempts: 1, deadLetterQueue: missed, role };
    for (const [name, value] of Object.entries(inputs)) {
      const input = ScheduleTargetInput.fromObject(value);
      new Schedule(this, name, {
        schedule: ScheduleExpression.rate(tickInterval),
        target: new LambdaInvoke(target, { input, ...delivery }),
      });
    }
  }
}

/** The scheduler as a principal, limited to this account and region and to schedules in the default group. */
function schedulerOf(scope: Construct): ServicePrincipal {
  const group = Stack.of(scope).formatArn({
    service: 'scheduler',
    resource: 'schedule-group',
    resourceName: 'default',
  });
  return new ServicePrincipal('scheduler.amazonaws.com', {
    conditions: { StringEquals: { 'aws:SourceAccount': Aws.ACCOUNT_ID, 'aws:SourceArn': group } },
  });
}

/** Destination for records of lost invocations. Unlike the CDK's own, it grants the function only `sqs:SendMessage`. */
const recordsTo = (queue: IQueue): IDestination => ({
  bind(_scope, target) {
    queue.grant(target, 'sqs:SendMessage');
    return { destination: queue.queueArn };
  },
});

const logicalIdOf = (target: LambdaFunction): string =>
  Stack.of(target).resolve(Stack.of(target).getLogicalId(target.node.defaultChild as CfnFunction));
