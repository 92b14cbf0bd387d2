// Requests to the server: session cookie, CSRF token on writes, tenant headers, problem+json.

import type { components } from './schema';

type Schemas = components['schemas'];
export type FieldError = { path: string; message: string };

export interface Tenant {
  org_id: string;
  project_id: string;
}

/** Why the server did not do what was asked, or that it could not be reached. */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    detail: string,
    readonly errors: FieldError[] = [],
    readonly correlationId: string | null = null,
    readonly retryAfter: number | null = null,
  ) {
    super(detail);
  }

  /** Nothing came back: the same request may be sent again. */
  get unreachable(): boolean {
    return this.status === 0;
  }
}

interface Standing {
  csrf: string | null;
  tenant: Tenant | null;
  /** The session is over. */
  onSignedOut: () => void;
}

export const standing: Standing = { csrf: null, tenant: null, onSignedOut: () => {} };

export interface Options {
  method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
  body?: unknown;
  headers?: Record<string, string>;
  /** `null` for routes without a tenant. */
  tenant?: Tenant | null;
  signal?: AbortSignal;
  /** A 401 is an answer here, not the end of the session. */
  quiet?: boolean;
  /** The answer is text, not JSON. */
  text?: boolean;
}

export function tenantHeaders(tenant: Tenant): Record<string, string> {
  return { 'x-org-id': tenant.org_id, 'x-project-id': tenant.project_id };
}

export async function refusalOf(response: Response): Promise<Refusal> {
  const retry = Number(response.headers.get('retry-after'));
  const problem = await response.json().catch(() => null) as Partial<Schemas['Problem']> | null;
  return new Refusal(
    response.status,
    problem?.code ?? `http_${response.status}`,
    problem?.detail ?? response.statusText,
    (problem?.errors ?? []) as FieldError[],
    problem?.correlation_id ?? response.headers.get('x-correlation-id'),
    Number.isFinite(retry) && retry > 0 ? retry : null,
  );
}

export async function call<T>(path: string, options: Options = {}): Promise<T> {
  const method = options.method ?? 'GET';
  const headers: Record<string, string> = { accept: options.text ? '*/*' : 'application/json', ...options.headers };
  const tenant = options.tenant === undefined ? standing.tenant : options.tenant;
  if (tenant) Object.assign(headers, tenantHeaders(tenant));
  if (method !== 'GET' && standing.csrf) headers['x-csrf-token'] = standing.csrf;
  const init: RequestInit = { method, headers, credentials: 'same-origin', cache: 'no-store' };
  if (options.body !== undefined) {
    headers['content-type'] = 'application/json';
    init.body = JSON.stringify(options.body);
  }
  if (options.signal) init.signal = options.signal;
  let response: Response;
  try {
    response = await fetch(path, init);
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw new Refusal(0, 'unreachable', 'The server cannot be reached.');
  }
  if (!response.ok) {
    const refusal = await refusalOf(response);
    if (refusal.status === 401 && !options.quiet) standing.onSignedOut();
    throw refusal;
  }
  if (response.status === 204) return undefined as T;
  return (options.text ? await response.text() : await response.json()) as T;
}

/** A key under which a request counts once. */
export function idempotencyKey(): string {
  return crypto.randomUUID();
}
