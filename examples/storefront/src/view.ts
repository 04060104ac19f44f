/** A page: the operation that it is made of, and how its answer is shown. */
import type { Child } from './dom';
import type { TypedDocumentString } from './gql/graphql';
import type { Skeleton } from './parts/states';

export interface View {
  title: string;
  /** The present address of what is shown: slugs and paths change, and the former ones still lead here. */
  path?: string;
  content: Child[];
  /** What is read out when the page is there; the title if it is missing. */
  announcement?: string;
}

export interface Page<Data, Variables extends object> {
  path: RegExp;
  skeleton: Skeleton;
  document: TypedDocumentString<Data, Variables>;
  /** Return the variables for an address, whose path has the given decoded parts. */
  readVariables: (url: URL, parts: string[]) => Variables;
  /** Return the view of an answer; null if what was asked for does not exist. */
  render: (data: Data, url: URL) => View | null;
}

/** A page whose operation has any type: what reads its variables and its answer is its own. */
export type AnyPage = Page<any, any>;
