import { describe, expect, it } from 'vitest';
import { outcomeOf } from '../../../../src/kvp/hyperv/wmi-outcome.plan.js';

describe('the outcome of a WMI call', () => {
  it.each([
    [{ returnValue: 0 }, 'done'],
    [{ returnValue: 4_096, jobState: 7 }, 'done'],
    [{ returnValue: 4_096, jobState: 7, jobError: 0 }, 'done'],
    [{ returnValue: 4_096, jobState: 7, jobError: 32_773 }, 'conflict'],
    [{ returnValue: 4_096, jobState: 10, jobError: 32_779 }, 'conflict'],
    [{ returnValue: 32_773 }, 'conflict'],
    [{ returnValue: 32_769 }, 'denied'],
    [{ returnValue: 32_768, jobHResult: 0x8007_0005 }, 'denied'],
    [{ returnValue: 4_096, jobState: 10, jobHResult: -2_147_020_577 }, 'not-ready'],
    [{ returnValue: 4_096, jobState: 10, jobError: 0x8007_10df }, 'not-ready'],
    [{ returnValue: 4_096 }, 'failed'],
    [{ returnValue: 4_096, jobState: 4 }, 'failed'],
    [{ returnValue: 4_096, jobState: 9 }, 'failed'],
    [{ returnValue: 32_768 }, 'failed'],
    [{ returnValue: -1 }, 'failed'],
  ])('%o is %s', (result, kind) => {
    expect(outcomeOf(result).kind).toBe(kind);
  });
});
