import type { Locator } from 'playwright-core';

/** How a person works a page. */
export interface Hand {
  /** Follows a link, or presses a button. */
  press(target: Locator): Promise<void>;
  /** Fills in a field. */
  type(field: Locator, text: string): Promise<void>;
}

/** A person with a mouse, who touches the keyboard only to type. */
export const mouse: Hand = {
  press: (target) => target.click(),
  async type(field, text) {
    await field.click();
    await field.fill(text);
  },
};

/** A person without a mouse. */
export const keyboard: Hand = {
  async press(target) {
    await reach(target);
    await target.page().keyboard.press('Enter');
  },
  async type(field, text) {
    await reach(field);
    await field.page().keyboard.press('Control+A');
    await field.page().keyboard.type(text);
  },
};

/** Stops on the way to a place of a page that a person would put up with. */
const mostStops = 150;

/** Moves the focus on, place by place, until it is there, where it has to be seen. */
async function reach(target: Locator): Promise<void> {
  await target.waitFor();
  const hasFocus = () => target.evaluate((element) => element === element.ownerDocument.activeElement);
  for (let stops = 0; !(await hasFocus()); stops += 1) {
    if (stops === mostStops) throw new Error(`the keyboard does not reach ${target}`);
    await target.page().keyboard.press('Tab');
  }
  const outline = await target.evaluate(
    (element) => element.ownerDocument.defaultView!.getComputedStyle(element).outlineStyle,
  );
  if (outline === 'none') throw new Error(`the focus on ${target} cannot be seen`);
}
