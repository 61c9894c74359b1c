import { Duration, Stack, Validations } from 'aws-cdk-lib';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { CfnFunction, Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { Schedule, ScheduleExpression, ScheduleTargetInput } from 'aws-cdk-lib/aws-scheduler';
import { LambdaInvoke } from 'aws-cdk-lib/aws-scheduler-targets';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';

/** Work that comes late is worth nothing: the next tick does the same. */
const maxAge = Duration.seconds(60);

/** Why a function that is invoked by the clock needs no queue for lost invocations. */
export const lostTick = 'the next tick makes up for one that was lost, whatever it was lost by';

/** Invokes a function by the clock. */
export class Clock extends Construct {
  private readonly target: LambdaFunction;
  private readonly missed: IQueue;
  private readonly role: Role;

  /** @param missed gets the ticks that the function could not be invoked for */
  constructor(scope: Construct, id: string, target: LambdaFunction, missed: IQueue) {
    super(scope, id);
    this.target = target;
    this.missed = missed;
    this.role = new Role(this, 'Role', { assumedBy: new ServicePrincipal('scheduler.amazonaws.com') });
    Validations.of(this.role).acknowledge({
      id: `AwsSolutions::AwsSolutions-IAM5[Resource::<${logicalIdOf(target)}.Arn>:*]`,
      reason: 'the right to invoke this one function covers its versions',
    });
    // Lambda's own repetitions of a failed tick: none.
    target.configureAsyncInvoke({ retryAttempts: 0, maxEventAge: maxAge });
    Validations.of(target).acknowledge({
      id: 'Serverless::Serverless-LambdaAsyncFailureDestination',
      reason: lostTick,
    });
  }

  /** Adds a schedule. */
  tick(id: string, every: Duration, input: object): Schedule {
    return new Schedule(this, id, {
      schedule: ScheduleExpression.rate(every),
      target: new LambdaInvoke(this.target, {
        input: ScheduleTargetInput.fromObject(input),
        maxEventAge: maxAge,
        retryAttempts: 1,
        deadLetterQueue: this.missed,
        role: this.role,
      }),
    });
  }
}

const logicalIdOf = (target: LambdaFunction): string =>
  Stack.of(target).resolve(Stack.of(target).getLogicalId(target.node.defaultChild as CfnFunction));
