import { expect, test } from 'vitest';
import { Listeners } from '../../../src/core/host/index.js';

test('every listener is called once per event, and twice if it was added twice', () => {
  const heard: number[] = [];
  const listeners = new Listeners<number>();
  const listener = (value: number): void => void heard.push(value);
  const unsubscribe = listeners.add(listener);
  listeners.add(listener);
  listeners.emit(1);
  unsubscribe();
  unsubscribe();
  listeners.emit(2);
  expect(heard).toEqual([1, 1, 2]);
});

test('a listener may unsubscribe others during an event; they still get this event', () => {
  const heard: string[] = [];
  const listeners = new Listeners();
  listeners.add(() => {
    heard.push('first');
    removeSecond();
  });
  const removeSecond = listeners.add(() => void heard.push('second'));
  listeners.emit();
  listeners.emit();
  expect(heard).toEqual(['first', 'second', 'first']);
});
