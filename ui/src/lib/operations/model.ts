// The boxes of failed tasks and the operations on them, as the page reads them.

import type { components } from '../api/schema';

type Schemas = components['schemas'];

export type BoxName = 'dlq' | 'hold' | 'alarm';
export const BOXES: readonly BoxName[] = ['dlq', 'hold', 'alarm'];

export type Triage = 'requeue' | 'hold' | 'alarm' | 'ignore';

/** A failed task in a box. */
export type BoxItem = Schemas['FailureOut'];
export type BoxStats = Schemas['StatsOut'];
/** Failures whose messages differ in nothing but numbers, ids and the like. */
export type Cause = Schemas['CauseOut'];
/** An operation was taken; it may wait for a yes. */
export type Started = Schemas['OperatedOut'];
export type Preview = Schemas['DryRunOut'];
/** Which failure goes where by itself. */
export type PolicyState = Schemas['TriagePolicyOut'];
/** What a policy would have done with the failures of some days. */
export type Simulation = Omit<Schemas['SimulateOut'], 'now' | 'then'> & Record<'now' | 'then', Partial<Record<Triage, number>>>;

export type Alert = Schemas['AlertOut'];
export type Delivery = Schemas['DeliveryOut'];
/** Where alerts go. */
export type Destination = Schemas['RouteOut'];

/** Names as in the query and in an operation's `filter`. */
export interface BoxFilter {
  failure_code?: string;
  task_type?: string;
  /** Seconds. */
  older_than?: number;
  text?: string;
  cause?: string;
}

/** What is done to many, behind a preview. */
export type BoxAction = 'requeue' | 'purge' | 'ack' | 'apply';

/** Which tasks an operation is for. */
export type Selection = { ids: string[] } | { filter: BoxFilter } | { all: true };

export type Operation = Schemas['OperationOut'];

/** The filter without what is empty. */
export function slim(filter: BoxFilter): BoxFilter {
  return Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== undefined && value !== ''));
}

/** As the query of a listing. */
export function query(filter: BoxFilter): Record<string, string> {
  return Object.fromEntries(Object.entries(slim(filter)).map(([name, value]) => [name, String(value)]));
}

/** What an operation is for: ticked rows, else what the filter finds, else everything. */
export function selection(ticked: ReadonlySet<string>, filter: BoxFilter): Selection {
  if (ticked.size > 0) return { ids: [...ticked].sort() };
  const wanted = slim(filter);
  return Object.keys(wanted).length > 0 ? { filter: wanted } : { all: true };
}
