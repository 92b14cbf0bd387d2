import { expect, test } from 'vitest';
import { query, selection, slim } from './model';

test('ticked rows go before the filter, the filter before everything', () => {
  const filter = { failure_code: 'AGENT_ERROR', text: '' };
  expect(selection(new Set(['tsk_2', 'tsk_1']), filter)).toEqual({ ids: ['tsk_1', 'tsk_2'] });
  expect(selection(new Set(), filter)).toEqual({ filter: { failure_code: 'AGENT_ERROR' } });
  expect(selection(new Set(), { text: '' })).toEqual({ all: true });
});

test('a filter that is empty is none, so that nothing means everything by accident', () => {
  expect(slim({ text: '', cause: '' })).toEqual({});
  expect(query({ older_than: 3_600, text: '시간 초과' })).toEqual({ older_than: '3600', text: '시간 초과' });
});
