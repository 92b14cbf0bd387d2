// Forms out of JSON Schemas: which fields, what was typed into a value, and what is wrong with it.
// The server has the last word; this only spares a round trip.

import type { JsonSchema } from '../api/routes';
import type { Dictionary } from '../i18n/en';

export type Kind = 'text' | 'long' | 'number' | 'boolean' | 'enum' | 'array' | 'object' | 'json';

/** Errors by JSON Pointer within the params; `''` is the whole. */
export type Errors = Record<string, string>;

export function typeOf(schema: JsonSchema): string | undefined {
  const type = schema.type;
  return Array.isArray(type) ? type.find((one) => one !== 'null') : type;
}

export function kindOf(schema: JsonSchema): Kind {
  if (schema.enum) return 'enum';
  switch (typeOf(schema)) {
    case 'string': return (schema.maxLength ?? 0) > 4_000 ? 'long' : 'text';
    case 'number': case 'integer': return 'number';
    case 'boolean': return 'boolean';
    case 'array': return schema.items ? 'array' : 'json';
    case 'object': return schema.properties ? 'object' : 'json';
    default: return 'json';
  }
}

export interface Field {
  name: string;
  schema: JsonSchema;
  required: boolean;
}

/** Required fields first, each group in the schema's order. */
export function fieldsOf(schema: JsonSchema): Field[] {
  const required = new Set(schema.required ?? []);
  const fields = Object.entries(schema.properties ?? {}).map(([name, field]) => ({
    name, schema: field, required: required.has(name),
  }));
  return [...fields.filter((field) => field.required), ...fields.filter((field) => !field.required)];
}

/** Fields of which exactly one is wanted. */
export function choiceOf(schema: JsonSchema): string[] {
  const each = (schema.oneOf ?? schema.anyOf ?? []).map((one) => one.required ?? []);
  return each.length > 1 && each.every((names) => names.length === 1) ? each.flat() : [];
}

/** What the fields hold while somebody types: texts, flags, lists and objects of those. */
export type Draft = string | boolean | Draft[] | { [name: string]: Draft };

/** An empty field, or one that shows a value that is there already. */
export function draftOf(schema: JsonSchema, value: unknown = schema.default): Draft {
  switch (kindOf(schema)) {
    case 'boolean': return value === undefined ? '' : value === true ? 'true' : 'false';
    case 'enum': return value === undefined ? '' : JSON.stringify(value);
    case 'number': return value === undefined || value === null ? '' : String(value);
    case 'array': return (Array.isArray(value) ? value : []).map((item) => draftOf(schema.items ?? {}, item));
    case 'object': {
      const given = (value ?? {}) as Record<string, unknown>;
      return Object.fromEntries(fieldsOf(schema).map((field) => [field.name, draftOf(field.schema, given[field.name])]));
    }
    case 'json': return value === undefined ? '' : JSON.stringify(value, null, 2);
    default: return value === undefined || value === null ? '' : String(value);
  }
}

const ABSENT = Symbol('absent');

/** The value that a draft stands for; `undefined` where nothing was entered. */
export function valueOf(schema: JsonSchema, draft: Draft, required: boolean, words: Dictionary['form'], errors: Errors, path = ''): unknown {
  const value = read(schema, draft, words, errors, path);
  if (value === ABSENT) {
    if (required) errors[path] ??= words.missing;
    return undefined;
  }
  return value;
}

function read(schema: JsonSchema, draft: Draft, words: Dictionary['form'], errors: Errors, path: string): unknown {
  const kind = kindOf(schema);
  if (kind === 'array') return list(schema, draft as Draft[], words, errors, path);
  if (kind === 'object') return record(schema, draft as Record<string, Draft>, words, errors, path);
  const text = String(draft);
  if (text === '') return ABSENT;
  switch (kind) {
    case 'boolean': return text === 'true';
    case 'enum': return JSON.parse(text);
    case 'number': return number(schema, text, words, errors, path);
    case 'json':
      try {
        return JSON.parse(text);
      } catch {
        errors[path] = words.badJson;
        return undefined;
      }
    default: {
      const length = [...text].length;
      if (schema.maxLength !== undefined && length > schema.maxLength) errors[path] = words.tooLong(schema.maxLength);
      if (schema.minLength !== undefined && length < schema.minLength) errors[path] = words.tooShort(schema.minLength);
      return text;
    }
  }
}

function number(schema: JsonSchema, text: string, words: Dictionary['form'], errors: Errors, path: string): unknown {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value)) errors[path] = words.notNumber;
  else if (typeOf(schema) === 'integer' && !Number.isInteger(value)) errors[path] = words.notInteger;
  else if (schema.minimum !== undefined && value < schema.minimum) errors[path] = words.tooSmall(schema.minimum);
  else if (schema.maximum !== undefined && value > schema.maximum) errors[path] = words.tooLarge(schema.maximum);
  return value;
}

function list(schema: JsonSchema, drafts: Draft[], words: Dictionary['form'], errors: Errors, path: string): unknown {
  if (drafts.length === 0) return ABSENT;
  return drafts.map((draft, index) => valueOf(schema.items ?? {}, draft, true, words, errors, `${path}/${index}`));
}

function record(schema: JsonSchema, drafts: Record<string, Draft>, words: Dictionary['form'], errors: Errors, path: string): unknown {
  const found: Record<string, unknown> = {};
  const inner: Errors = {};
  for (const field of fieldsOf(schema)) {
    const at = `${path}/${escape(field.name)}`;
    const value = valueOf(field.schema, drafts[field.name] ?? '', field.required, words, inner, at);
    if (value !== undefined) found[field.name] = value;
  }
  // An object that nobody began to fill in is not there, unless it is the whole.
  if (path !== '' && Object.keys(found).length === 0) return ABSENT;
  Object.assign(errors, inner);
  const choice = choiceOf(schema);
  if (choice.length > 0 && choice.filter((name) => name in found).length !== 1) {
    errors[path] ??= words.oneOf(choice.join(', '));
  }
  return found;
}

function escape(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1');
}

export function pointer(path: string, name: string | number): string {
  return `${path}/${escape(String(name))}`;
}

/** The server's errors at the fields that they are about: `/params/url` is `/url`. */
export function fromServer(errors: readonly { path: string; message: string }[]): Errors {
  const found: Errors = {};
  for (const { path, message } of errors) {
    let at = path.startsWith('/params') ? path.slice('/params'.length) : path;
    // A missing field is reported of its parent; show it where it would be filled in.
    const missing = /^"([^"]+)" is a required property$/.exec(message);
    if (missing?.[1]) at = pointer(at, missing[1]);
    found[at] = found[at] ? `${found[at]} ${message}` : message;
  }
  return found;
}

/** Paths of errors that no field shows; they belong above the form. */
export function homeless(schema: JsonSchema, errors: Errors): string[] {
  const shown = (path: string): boolean => {
    if (path === '') return false;
    let at: JsonSchema | undefined = schema;
    for (const piece of path.slice(1).split('/')) {
      const name = piece.replaceAll('~1', '/').replaceAll('~0', '~');
      const kind: Kind = at ? kindOf(at) : 'json';
      if (kind === 'object') at = at?.properties?.[name];
      else if (kind === 'array') at = at?.items;
      else return at !== undefined;
      if (!at) return false;
    }
    return true;
  };
  return Object.keys(errors).filter((path) => !shown(path));
}
