import { ClientError, GraphQLClient } from 'graphql-request';

import { BookByIsbnDocument, SuggestDocument } from './generated/graphql.ts';

export const createClient = (url: string) => new GraphQLClient(url);

export async function bookByIsbn(client: GraphQLClient, isbn: string) {
  const { book } = await client.request(BookByIsbnDocument, { isbn });
  return book;
}

export async function suggest(client: GraphQLClient, prefix: string) {
  const { suggest } = await client.request(SuggestDocument, { prefix });
  return suggest;
}

/** Return what to show to the user for an error of a request. */
export const messageOf = (error: unknown) =>
  error instanceof ClientError ? (error.response.errors ?? []).map(({ message }) => message).join('\n') : String(error);
