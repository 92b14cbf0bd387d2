// People of a server, made over the API as an admin would.
import { TENANT, type Server } from './server';

export const PASSWORD = 'grey whales hum at dusk';

export type Role = 'viewer' | 'operator' | 'approver' | 'admin';

export interface Person {
  email: string;
  name: string;
  user_id: string;
  /** A session of theirs outside the browser. */
  token: string;
}

let made = 0;

/** Makes somebody with a role in a tenant. */
export async function person(server: Server, name: string, role: Role, tenant = TENANT): Promise<Person> {
  made += 1;
  const email = `${role}-${made}@example.com`;
  const invited = await server.ask('admin', 'POST', '/users', { email, name, role }, tenant);
  const token = String(invited.link).split('/ui#/welcome/')[1];
  const signed = await server.ask(null, 'POST', '/auth/redeem', { token, password: PASSWORD }, null);
  return { email, name, user_id: signed.user.user_id, token: signed.access_token };
}

/** Somebody who belongs to another tenant too. */
export async function joins(server: Server, who: Person, role: Role, tenant: string): Promise<void> {
  await server.ask('admin', 'POST', '/users', { email: who.email, role }, tenant);
}
