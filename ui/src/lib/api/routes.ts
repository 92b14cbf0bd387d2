// The routes that the console uses, by name.

import { call, type Tenant } from './client';
import type {
  Alert, BoxAction, BoxItem, BoxName, BoxStats, Cause, Delivery, Destination, Operation, PolicyState, Preview, Simulation, Started,
} from '../operations/model';
import type { components } from './schema';

type Schemas = components['schemas'];

export type Role = 'viewer' | 'operator' | 'approver' | 'admin';

export interface Membership extends Tenant {
  title: string;
  role: Role;
  paused: boolean;
}

export interface Me {
  user: { user_id: string; email: string; name: string };
  session: { session_id: string; expires_at: string };
  csrf_token: string;
  memberships: Membership[];
}

export interface LinkInfo {
  purpose: 'first_admin' | 'invite' | 'reset';
  email: string | null;
  name: string | null;
  expires_at: string;
}

export interface SessionRow {
  session_id: string;
  created_at: string;
  last_seen: string;
  expires_at: string;
  user_agent: string | null;
  peer: string | null;
  current: boolean;
}

export interface InboxItem extends Tenant {
  kind: 'ask' | 'alarm';
  ask_id?: string;
  task_id: string;
  command_type: string;
  question: string;
  question_ko: string;
  created_at: string;
  expires_at?: string;
  may_decide: boolean;
}

export type CommandType = Schemas['TypeOut'] & { params_schema: JsonSchema };
export type TaskDetail = Schemas['TaskDetail'];
export type TaskRow = Schemas['TaskOut'];
export type AskDetail = Schemas['AskOut'];
export type LineRow = Schemas['LineOut'];
export type Accepted = Schemas['AcceptedOut'];

export interface JsonSchema {
  type?: string | string[];
  title?: string;
  description?: string;
  properties?: Record<string, JsonSchema>;
  required?: string[];
  enum?: unknown[];
  const?: unknown;
  items?: JsonSchema;
  default?: unknown;
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  pattern?: string;
  oneOf?: JsonSchema[];
  anyOf?: JsonSchema[];
  additionalProperties?: boolean | JsonSchema;
}

export interface Page<T> {
  items: T[];
  next?: string | null;
}

export interface Credentials {
  email: string;
  password: string;
}

const none = { tenant: null } as const;

export const api = {
  me: () => call<Me>('/me', { ...none, quiet: true }),
  login: (body: Credentials) =>
    call<Me>('/auth/login', { ...none, method: 'POST', body: { ...body, cookie: true }, quiet: true }),
  link: (token: string) =>
    call<LinkInfo>('/auth/link', { ...none, method: 'POST', body: { token }, quiet: true }),
  redeem: (body: { token: string; email?: string; name?: string; password: string }) =>
    call<Me>('/auth/redeem', { ...none, method: 'POST', body: { ...body, cookie: true }, quiet: true }),
  logout: () => call<void>('/auth/logout', { ...none, method: 'POST', quiet: true }),
  sessions: () => call<{ sessions: SessionRow[] }>('/auth/sessions', none),
  endSession: (id: string) => call<void>(`/auth/sessions/${id}`, { ...none, method: 'DELETE' }),
  inbox: () => call<{ items: InboxItem[] }>('/me/inbox', none),

  types: () => call<Page<CommandType>>('/commands/types'),
  send: (body: Record<string, unknown>, key: string, tenant?: Tenant) =>
    call<Accepted>('/sidecar/command', {
      method: 'POST', body, headers: { 'idempotency-key': key }, ...(tenant ? { tenant } : {}),
    }),
  ask: (id: string, tenant?: Tenant) => call<AskDetail>(`/approvals/${id}`, tenant ? { tenant } : {}),
  decide: (
    id: string,
    body: { decision: 'approve' | 'deny'; digest: string; reason?: string; params?: unknown },
    tenant?: Tenant,
  ) => call<unknown>(`/approvals/${id}/decide`, { method: 'POST', body, ...(tenant ? { tenant } : {}) }),
  task: (id: string, tenant?: Tenant) => call<TaskDetail>(`/tasks/${id}`, tenant ? { tenant } : {}),
  tasks: (query: Record<string, string>) =>
    call<Page<TaskRow>>(`/tasks?${new URLSearchParams(query)}`),
  cancel: (id: string) => call<unknown>(`/tasks/${id}/cancel`, { method: 'POST' }),
  askAgain: (id: string) => call<unknown>(`/tasks/${id}/ask_again`, { method: 'POST' }),
  runbooks: (signal: AbortSignal) => call<Page<Schemas['RunbookOut']>>('/runbooks', { signal }),
  /** Markdown. */
  runbook: (code: string, lang: string, signal: AbortSignal) =>
    call<string>(`/runbooks/${encodeURIComponent(code)}?lang=${lang}`, { text: true, signal }),
  worklog: (query: Record<string, string>) =>
    call<Page<LineRow>>(`/worklog?${new URLSearchParams(query)}`),

  peek: (box: BoxName, query: Record<string, string>) =>
    call<Page<BoxItem>>(`/${box}/peek?${new URLSearchParams(query)}`),
  boxStats: (box: BoxName, query: Record<string, string>) =>
    call<BoxStats>(`/${box}/stats?${new URLSearchParams(query)}`),
  causes: (box: BoxName, query: Record<string, string>) =>
    call<Page<Cause>>(`/${box}/causes?${new URLSearchParams(query)}`),
  /** Exactly what the same call without `dry_run` would touch. */
  preview: (box: BoxName, action: BoxAction, body: Record<string, unknown>) =>
    call<Preview>(`/${box}/${action}`, { method: 'POST', body: { ...body, dry_run: true } }),
  operate: (box: BoxName, action: BoxAction, body: Record<string, unknown>) =>
    call<Started>(`/${box}/${action}`, { method: 'POST', body }),
  operations: (query: Record<string, string>) => call<Page<Operation>>(`/operations?${new URLSearchParams(query)}`),
  operation: (id: string) => call<Operation>(`/operations/${id}`),
  abort: (id: string) => call<unknown>(`/operations/${id}/abort`, { method: 'POST' }),
  resolve: (body: Schemas['ResolveIn']) => call<Schemas['ResolveOut']>('/alarm/resolve', { method: 'POST', body }),
  alerts: (query: Record<string, string>) => call<Page<Alert>>(`/alerts?${new URLSearchParams(query)}`),
  alert: (id: string) => call<Alert & { messages: Delivery[] }>(`/alerts/${id}`),
  alertRoutes: () => call<{ items: Destination[] }>('/alerts/routes'),
  testAlert: () => call<Schemas['TestOut']>('/alerts/test', { method: 'POST', body: {} }),
  policy: () => call<PolicyState>('/dlq/policy'),
  setPolicy: (body: Record<string, unknown>, confirm: string) =>
    call<PolicyState>(`/dlq/policy?${new URLSearchParams({ confirm })}`, { method: 'PUT', body }),
  resetPolicy: (confirm: string) => call<unknown>(`/dlq/policy?${new URLSearchParams({ confirm })}`, { method: 'DELETE' }),
  simulate: (body: Record<string, unknown>) => call<Simulation>('/dlq/policy/simulate', { method: 'POST', body }),

  pause: (tenant: Tenant) => call<unknown>('/tenant/pause', { method: 'POST', tenant }),
  resume: (tenant: Tenant) => call<unknown>('/tenant/resume', { method: 'POST', tenant }),
};
