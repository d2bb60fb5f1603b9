// Tells the server's answers from those of proxies, gateways and the login pages of hotels, with whatever status.
import { AccountError, RETRY, failure, type ErrorMembers } from './error.js';

export interface Body {
  data?: unknown;
  errors?: unknown;
  error?: unknown;
  avatarUrl?: unknown;
}

/** What is wanted of an answer, where it is there. */
export type Pick = (body: Body) => unknown;

/** The data of a GraphQL answer, as a whole. */
export const pickData: Pick = ({ data }) => typeof data === 'object' && data;

/** JSON as an object, whether it is text still or was parsed already; what is no JSON has none of the members. */
export function parse(answer: any): Body {
  try {
    answer = JSON.parse(answer);
  } catch {
    // parsed already, or a page
  }
  return Object(answer) as Body;
}

/** Reads an answer of the server. Throws its error: GraphQL's first, or that of another route, or else `BAD_ANSWER`. */
export function readAnswer<T>(answer: unknown, pick: Pick): T {
  const body = parse(answer);
  const { data, errors, error } = body;
  const picked = !errors && pick(body);
  if (picked) return picked as T;
  const first = Object((errors as unknown[] || [])[0] || error) as { extensions?: object };
  const members = Object.assign({ data }, first, first.extensions) as ErrorMembers;
  throw members.code && members.action ? new AccountError(members) : failure('BAD_ANSWER', RETRY);
}
