import { relative } from 'node:path';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/**
 * Has files whose tests mostly wait for processes, those in `test/infra`, take turns with files that mostly compute. The
 * usual order, longest first, would have the workers wait together and later compute together.
 */
export class MixedOrder extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const waiting = sorted.filter(isWaiting);
    const computing = sorted.filter((file) => !isWaiting(file));
    const longest = Math.max(waiting.length, computing.length);
    const pairs = Array.from({ length: longest }, (_, index) => [waiting[index], computing[index]]);
    return pairs.flat().filter((file) => file !== undefined);
  }
}

const isWaiting = ({ moduleId, project }: TestSpecification): boolean =>
  relative(project.config.root, moduleId).startsWith('test/infra/');
