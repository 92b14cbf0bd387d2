import { describe, expect, it } from 'vitest';
import { en } from '../i18n/en';
import type { JsonSchema } from '../api/routes';
import { choiceOf, draftOf, fieldsOf, fromServer, homeless, kindOf, valueOf, type Draft, type Errors } from './schema';

const EMAIL: JsonSchema = {
  type: 'object',
  properties: {
    subject: { type: 'string', maxLength: 10 },
    to: { type: 'array', items: { type: 'string', minLength: 1 } },
    urgent: { type: 'boolean' },
    copies: { type: 'integer', minimum: 1 },
    kind: { enum: ['html', 'text', 3] },
    extra: {},
    from: { type: 'object', properties: { name: { type: 'string' } }, required: ['name'] },
  },
  required: ['to'],
};

function take(schema: JsonSchema, draft: Record<string, Draft>) {
  const errors: Errors = {};
  const value = valueOf(schema, { ...(draftOf(schema) as Record<string, Draft>), ...draft }, true, en.form, errors);
  return { value, errors };
}

describe('a form', () => {
  it('shows what is required first', () => {
    expect(fieldsOf(EMAIL).map((field) => field.name)[0]).toBe('to');
    expect(Object.values(EMAIL.properties ?? {}).map(kindOf)).toEqual(['text', 'array', 'boolean', 'number', 'enum', 'json', 'object']);
  });

  it('gives values of the schema’s types and leaves out what was left empty', () => {
    const { value, errors } = take(EMAIL, { to: ['a', 'b'], urgent: 'false', copies: '2', kind: '3', extra: '{"x": [1]}' });
    expect(errors).toEqual({});
    expect(value).toEqual({ to: ['a', 'b'], urgent: false, copies: 2, kind: 3, extra: { x: [1] } });
  });

  it('says at each field what is wrong', () => {
    const { errors } = take(EMAIL, { to: ['a', ''], subject: 'far too long', copies: '0', extra: '{', from: { name: '' } });
    expect(errors).toEqual({
      '/to/1': en.form.missing, '/subject': en.form.tooLong(10), '/copies': en.form.tooSmall(1), '/extra': en.form.badJson,
    });
    expect(take(EMAIL, {}).errors).toEqual({ '/to': en.form.missing });
    expect(take(EMAIL, { to: ['a'], copies: '1.5' }).errors).toEqual({ '/copies': en.form.notInteger });
  });

  it('wants exactly one where the schema does', () => {
    const schema: JsonSchema = {
      type: 'object', properties: { url: { type: 'string' }, video_id: { type: 'string' } },
      oneOf: [{ required: ['url'] }, { required: ['video_id'] }],
    };
    expect(choiceOf(schema)).toEqual(['url', 'video_id']);
    expect(take(schema, { url: 'x' }).errors).toEqual({});
    expect(Object.keys(take(schema, {}).errors)).toEqual(['']);
    expect(Object.keys(take(schema, { url: 'x', video_id: 'y' }).errors)).toEqual(['']);
  });

  it('reads back what it wrote', () => {
    const value = { to: ['a'], urgent: true, copies: 3, kind: 'html', extra: { deep: [1, null] }, from: { name: 'n' }, subject: 's' };
    const errors: Errors = {};
    expect(valueOf(EMAIL, draftOf(EMAIL, value), true, en.form, errors)).toEqual(value);
    expect(errors).toEqual({});
  });

  it('shows the server’s errors at their fields, and the rest above', () => {
    const errors = fromServer([
      { path: '/params', message: '"to" is a required property' },
      { path: '/params/to/1', message: 'bad' },
      { path: '/params', message: 'Additional properties' },
    ]);
    expect(errors).toEqual({ '/to': '"to" is a required property', '/to/1': 'bad', '': 'Additional properties' });
    expect(homeless(EMAIL, errors)).toEqual(['']);
    expect(homeless(EMAIL, { '/nowhere': 'x', '/extra/deep': 'y' })).toEqual(['/nowhere']);
  });
});
